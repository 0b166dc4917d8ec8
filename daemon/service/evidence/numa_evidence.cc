#include "daemon/service/evidence/numa_evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "daemon/control/target_options.h"
#include "daemon/os/device_lines.h"
#include "daemon/service/evidence/facts_of_device_distance.h"
#include "daemon/service/evidence/facts_of_placement.h"
#include "daemon/service/evidence/memory_look.h"
#include "daemon/service/thread_nodes.h"

namespace hftmon {
namespace {

void PutMissing(FactKind kind, std::string reason, std::string mend, std::vector<MissingEvidence>* missing) {
  missing->push_back({.kind = kind, .where = {}, .reason = std::move(reason), .mend = std::move(mend)});
}

}  // namespace

NumaEvidence::NumaEvidence(const ServiceCore& core, const FileRoot& files, const TargetSelection& selection)
    : core_(core), files_(files), selection_(selection), nodes_(ReadNumaNodes(files)) {
  if (several_nodes()) devices_ = ReadDeviceLocalities(files_);
}

absl::Status NumaEvidence::LookAtMemory(const EvidenceWish& wish, EvidenceAnswer* answer) {
  if (!wish.look_at_memory || core_.numa_looks == nullptr) return absl::OkStatus();
  if (!nodes_.ok() || !HasSeveralMemoryNodes(*nodes_)) return absl::OkStatus();
  LookTargets targets = TargetsToLookAt(selection_);
  left_out_count_ = targets.left_out_count;
  absl::StatusOr<NumaLook> look = hftmon::LookAtMemory(core_.numa_looks, targets.plan, wish.stop);
  if (!look.ok()) return look.status();
  look_ = *std::move(look);
  answer->cost = CostOf(*look_);
  return absl::OkStatus();
}

void NumaEvidence::FillContext(EvidenceContext* context) const {
  if (!nodes_.ok()) return;
  context->nodes = *nodes_;
  for (const DeviceLocality& device : devices_.devices) {
    if (!device.node) continue;
    const auto lines = ReadDeviceLines(files_, fmt::format("{}/{}", device.kind == "net" ? "/sys/class/net" : "/sys/block", device.name));
    if (!lines.ok()) continue;  // it lies upon others, whose lines they are
    for (const DeviceLine& line : *lines) context->node_of_line.emplace(line.irq, *device.node);
  }
}

// Where somebody asks for packets and this kernel does not let them be followed.
void NumaEvidence::AddMissingOfPackets(std::vector<MissingEvidence>* missing) const {
  const auto asks = [](const TargetInfo& target) {
    return target.state != TargetState::kEnded && HasProbeGroup(target.options, kNetworkGroup);
  };
  if (std::none_of(selection_.targets().begin(), selection_.targets().end(), asks)) return;
  if (core_.network == nullptr) return PutMissing(FactKind::kDeviceDistance, "this daemon does not follow packets", "", missing);
  const NetworkTotal total = core_.network->Read();
  if (!total.collecting) return PutMissing(FactKind::kDeviceDistance, total.reason, "", missing);
  for (const std::string& part : total.missing) {
    if (part.starts_with("sockets'") || part.starts_with("polls")) PutMissing(FactKind::kDeviceDistance, part, "", missing);
  }
  if (devices_.left_out_count > 0) {
    PutMissing(FactKind::kDeviceDistance,
               fmt::format("{} devices were left out: {} of a kind are looked at", devices_.left_out_count, kLocatedDevicesMax), "",
               missing);
  }
}

void NumaEvidence::AddFacts(const EvidenceWish& wish, const EvidenceContext& context, const SnapshotPair& sums,
                            EvidenceAnswer* answer) const {
  std::vector<MissingEvidence>* missing = &answer->window.missing;
  if (!nodes_.ok()) {
    const std::string reason = fmt::format("the host's nodes cannot be read: {}", std::string(nodes_.status().message()));
    for (const FactKind kind : {FactKind::kPlacement, FactKind::kDeviceDistance}) PutMissing(kind, reason, "", missing);
    return;
  }
  // Of one node all is local: both rules are silent, and that is the truth.
  if (!several_nodes()) return;
  const std::vector<ThreadNodes> threads =
      NodesOfThreads(core_, selection_, *nodes_, context.end_mono_ns - context.begin_mono_ns, context.begin_mono_ns);
  AddDistanceFacts(context, sums, threads, DistanceSourcesOf(files_, devices_.devices), &answer->facts, missing);
  AddMissingOfPackets(missing);
  if (look_) {
    AddPlacementFacts(context, *look_, threads, &answer->facts, missing);
    if (left_out_count_ > 0) {
      PutMissing(FactKind::kPlacement,
                 fmt::format("{} processes were left out: {} are looked at at once", left_out_count_, kLookedProcessesMax),
                 "name them: hftmon recommend --look-at-memory -p PID", missing);
    }
  } else if (HasSeveralMemoryNodes(*nodes_)) {
    PutMissing(FactKind::kPlacement,
               core_.numa_looks == nullptr ? "this daemon does not look where memory lies"
                                           : "where memory lies was not looked at: that walks pages of targets, so it has to be asked for",
               wish.look_at_memory || core_.numa_looks == nullptr ? "" : "hftmon recommend --look-at-memory", missing);
  }
}

}  // namespace hftmon
