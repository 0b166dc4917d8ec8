#include "daemon/service/evidence/facts_of_placement.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "daemon/advice/template_text.h"

namespace hftmon {
namespace {

constexpr double kRoomFactor = 2;  // of what would move: the node goes on to be allocated from

// Of one mapping or range, seen from the node where it is wanted.
struct Remote {
  const MappingPlacement* mapping = nullptr;
  bool named = false;          // a range: its pages are a mapping's too
  uint64_t present_count = 0;  // of its pages that were looked at: those that are there
  uint64_t remote_count = 0;   // of these: on other nodes
  int from_node = -1;          // the one of these with most; -1: there is none
  double share_low = 0;
  double remote_bytes = 0;  // of the whole mapping, estimated from the sample
};

Remote RemoteOf(const MappingPlacement& mapping, int to_node) {
  Remote remote{.mapping = &mapping};
  uint64_t most = 0;
  for (const NodeShare& share : mapping.nodes) {
    remote.present_count += share.pages;
    if (share.node == to_node) continue;
    remote.remote_count += share.pages;
    if (share.pages <= most) continue;
    most = share.pages;
    remote.from_node = share.node;
  }
  if (remote.remote_count == 0) return remote;
  const auto hits = static_cast<double>(remote.remote_count);
  remote.share_low =
      mapping.exact ? hits / static_cast<double>(remote.present_count) : WilsonInterval(remote.remote_count, remote.present_count).low;
  remote.remote_bytes =
      hits / static_cast<double>(mapping.sampled_count) * static_cast<double>(mapping.page_count) * static_cast<double>(mapping.page_bytes);
  return remote;
}

// Of memory of the process's own the fork of a moment ago is not known where numa_maps was not read.
bool IsShared(const MappingPlacement& mapping) {
  if (mapping.mapper_count) return *mapping.mapper_count > 1;
  const bool own = mapping.kind == MappingKind::kAnonymous || mapping.kind == MappingKind::kHeap || mapping.kind == MappingKind::kStack ||
                   mapping.kind == MappingKind::kHugetlb;
  return mapping.shared || !own;
}

std::vector<Remote> RemoteRows(std::span<const MappingPlacement> rows, bool named, int to_node) {
  std::vector<Remote> remotes;
  for (const MappingPlacement& row : rows) {
    if (row.changed) continue;
    Remote remote = RemoteOf(row, to_node);
    remote.named = named;
    if (remote.remote_count > 0) remotes.push_back(remote);
  }
  std::stable_sort(remotes.begin(), remotes.end(), [](const Remote& a, const Remote& b) { return a.remote_bytes > b.remote_bytes; });
  return remotes;
}

// Estimated, by node. Of ranges that overlap each is counted.
std::map<int, double> RemoteBytesByNode(std::span<const Remote> remotes) {
  std::map<int, double> bytes_on;
  for (const Remote& remote : remotes) bytes_on[remote.from_node] += remote.remote_bytes;
  return bytes_on;
}

// How much farther from_node's memory is than to_node's, for CPUs of `home`.
std::optional<double> DistanceRatio(const NumaNodes& nodes, int home, int from_node, int to_node) {
  const std::optional<int> far = nodes.DistanceOf(home, from_node);
  const std::optional<int> near = nodes.DistanceOf(home, to_node);
  if (!far || !near || *near <= 0) return std::nullopt;
  return static_cast<double>(*far) / *near;
}

class ProcessFacts {
 public:
  ProcessFacts(const EvidenceContext& context, const NumaNodes& nodes, const NumaLookedProcess& process, const HomeNode& home, int to_node)
      : context_(context), nodes_(nodes), process_(process), home_(home), to_node_(to_node) {}

  void Add(std::vector<Fact>* facts, std::vector<MissingEvidence>* missing) {
    const std::vector<Remote> remotes = RemoteRows(process_.placement->mappings, false, to_node_);
    const std::vector<Remote> ranges = RemoteRows(process_.placement->ranges, true, to_node_);
    // migratepages moves all of a process from one node to the other: so much room it takes. Mappings have the ranges' pages too; where the
    // sample met none of them the ranges' own say how much there is at least.
    std::map<int, double> bytes_on = RemoteBytesByNode(remotes);
    for (const auto& [from_node, bytes] : RemoteBytesByNode(ranges)) bytes_on[from_node] = std::max(bytes_on[from_node], bytes);
    if (bytes_on.empty()) return;
    const NumaNode* to = nodes_.Find(to_node_);
    if (to == nullptr || !to->free_bytes) {
      missing->push_back({.kind = FactKind::kPlacement,
                          .where = {},
                          .reason = fmt::format("how much memory is free on node {} is not told, so whether the memory of process {} has "
                                                "room there is not known",
                                                to_node_, process_.pid),
                          .mend = ""});
      return;
    }
    // All of them together: who follows the advice for one node follows that for the next too.
    double all_bytes = 0;
    for (const auto& [from_node, bytes] : bytes_on) all_bytes += bytes;
    const bool has_room = kRoomFactor * all_bytes <= static_cast<double>(*to->free_bytes);
    const auto add = [&](std::span<const Remote> rows) {
      const bool cut = process_.placement->truncated || rows.size() > kPlacementFactsMax;
      for (const Remote& row : rows.first(std::min(rows.size(), kPlacementFactsMax))) {
        facts->push_back(FactOf(row, has_room, cut));
      }
    };
    add(ranges);
    add(remotes);
    for (const auto& [from_node, bytes] : bytes_on) {
      if (has_room) break;
      missing->push_back(
          {.kind = FactKind::kPlacement,
           .where = {},
           .reason = fmt::format("{:.0f} MiB of process {} lie on node {}, and node {}, {}, has {} MiB free: too little room to advise a "
                                 "move{}",
                                 bytes / kMebibyte, process_.pid, from_node, to_node_,
                                 *home_.node == to_node_ ? "where its threads run" : "the nearest that has memory to where its threads run",
                                 *to->free_bytes / (1 << 20),
                                 bytes_on.size() > 1 ? fmt::format(" of the {:.0f} MiB of all nodes", all_bytes / kMebibyte) : ""),
           .mend = fmt::format("free memory on node {}, then: hftmon recommend --look-at-memory", to_node_)});
    }
  }

 private:
  static constexpr double kMebibyte = 1 << 20;

  Fact FactOf(const Remote& remote, bool room, bool cut) const {
    const MappingPlacement& mapping = *remote.mapping;
    Fact fact = NewFact(context_, FactKind::kPlacement);
    fact.values[FactField::kProcessId] = static_cast<int64_t>(process_.pid);
    fact.values[FactField::kMapping] = mapping.name.empty() ? std::string(MappingKindName(mapping.kind)) : mapping.name;
    fact.values[FactField::kCount] = static_cast<int64_t>(remote.present_count);
    fact.values[FactField::kFromNode] = static_cast<int64_t>(remote.from_node);
    fact.values[FactField::kToNode] = static_cast<int64_t>(to_node_);
    fact.values[FactField::kHomeNode] = static_cast<int64_t>(*home_.node);
    fact.values[FactField::kRemoteShareLow] = remote.share_low;
    fact.values[FactField::kHomeShare] = home_.share;
    fact.values[FactField::kShared] = static_cast<int64_t>(IsShared(mapping) ? 1 : 0);
    fact.values[FactField::kRoom] = static_cast<int64_t>(room ? 1 : 0);
    if (mapping.policy) {
      if (std::string word = PolicyWord(*mapping.policy); !word.empty()) fact.values[FactField::kPolicy] = std::move(word);
    }
    if (const auto ratio = DistanceRatio(nodes_, *home_.node, remote.from_node, to_node_)) fact.values[FactField::kDistanceRatio] = *ratio;
    fact.quality.sampled = !mapping.exact;
    fact.quality.samples = remote.present_count;
    fact.quality.truncated = cut;
    fact.evidence.sentence = fmt::format(
        "{}{} of process {}: of {} pages that were looked at and are there {} lie on other nodes than {}, most of them on {}; its "
        "threads ran {:.0f} % of their time on CPUs of node {}{}",
        CleanText(std::get<std::string>(fact.values[FactField::kMapping])), remote.named ? ", a range that the program names," : "",
        process_.pid, remote.present_count, remote.remote_count, to_node_, remote.from_node, std::floor(home_.share * 100), *home_.node,
        *home_.node == to_node_ ? "" : fmt::format(", which has no memory: node {} is the nearest that has some", to_node_));
    return fact;
  }

  const EvidenceContext& context_;
  const NumaNodes& nodes_;
  const NumaLookedProcess& process_;
  const HomeNode& home_;
  const int to_node_;
};

void PutMissing(std::string reason, std::string mend, std::vector<MissingEvidence>* missing) {
  missing->push_back({.kind = FactKind::kPlacement, .where = {}, .reason = std::move(reason), .mend = std::move(mend)});
}

}  // namespace

std::string PolicyWord(std::string_view policy) {
  const std::string_view word = policy.substr(0, policy.find_first_of(":="));
  if (word == "prefer (many)") return "prefer_many";
  if (word == "weighted interleave") return "weighted_interleave";
  for (const std::string_view known : {"default", "bind", "prefer", "interleave", "local"}) {
    if (word == known) return std::string(known);
  }
  return "";
}

void AddPlacementFacts(const EvidenceContext& context, const NumaLook& look, std::span<const ThreadNodes> threads, std::vector<Fact>* facts,
                       std::vector<MissingEvidence>* missing) {
  if (!HasSeveralMemoryNodes(look.nodes)) return;
  for (const NumaLookedProcess& process : look.processes) {
    if (!process.placement.ok()) {
      if (absl::IsNotFound(process.placement.status())) continue;  // it has ended
      PutMissing(fmt::format("process {} was not looked at: {}", process.pid, std::string(process.placement.status().message())), "",
                 missing);
      continue;
    }
    const HomeNode home = HomeOfProcess(threads, process.pid);
    if (!home.unavailable.empty()) {
      PutMissing(home.unavailable, "hftmon recommend --look-at-memory --window DURATION", missing);
      continue;
    }
    const std::optional<int> to_node = LocalMemoryNode(look.nodes, *home.node);
    if (to_node && *to_node != *home.node && !look.nodes.DistanceOf(*home.node, *to_node)) {
      PutMissing(
          fmt::format("which memory is nearest to process {} is not known: node {}, where its threads run, has none, and the firmware "
                      "tells no distances",
                      process.pid, *home.node),
          "", missing);
      continue;
    }
    if (to_node) ProcessFacts(context, look.nodes, process, home, *to_node).Add(facts, missing);
  }
}

}  // namespace hftmon
