#include "daemon/service/convert_growth.h"

#include <algorithm>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"

namespace hftmon {
namespace {

std::string FrameText(const StackFrame& frame) {
  if (!frame.symbol.empty()) return absl::StrCat(frame.symbol, "+0x", absl::Hex(frame.symbol_offset));
  if (!frame.module.empty()) return absl::StrCat(frame.module, "+0x", absl::Hex(frame.module_offset));
  return absl::StrCat("0x", absl::Hex(frame.address));
}

void SiteToProto(const TouchSite& site, const NumaNodes& nodes, v1::FirstTouch* out) {
  out->set_fault_count(site.fault_count);
  out->set_sample_count(site.sample_count);
  out->set_start(site.start);
  out->set_end(site.end);
  out->set_name(site.name);
  std::map<int, uint64_t> faults_of_node;
  for (const auto& [cpu, faults] : site.faults_of_cpu) faults_of_node[nodes.NodeOf(static_cast<int>(cpu))] += faults;
  for (const auto& [node, faults] : faults_of_node) {
    if (node < 0) continue;  // the CPU is offline since
    v1::NodeShare* share = out->add_nodes();
    share->set_node(node);
    share->set_pages(faults);
    share->set_share(static_cast<double>(faults) / static_cast<double>(std::max<uint64_t>(1, site.fault_count)));
  }
  for (const StackFrame& frame : site.stack.frames) out->add_frames(FrameText(frame));
  if (site.stack.state != StackState::kComplete) out->set_unavailable(site.stack.reason);
}

}  // namespace

void GrowthToProto(const ProcessGrowth& growth, const NumaNodes& nodes, v1::ProcessPlacement* out) {
  v1::MemoryGrowth* figures = out->mutable_growth();
  figures->set_begin_monotonic_ns(growth.begin_mono_ns);
  figures->set_end_monotonic_ns(growth.end_mono_ns);
  figures->set_fault_count(growth.fault_count);
  figures->set_sample_count(growth.sample_count);
  figures->set_lost_count(growth.lost_count);
  figures->set_untold_fault_count(growth.untold_fault_count);
  figures->set_thread_count(growth.thread_count);
  figures->set_unsampled_thread_count(growth.unsampled_thread_count);
  figures->set_unkept_fault_count(growth.unkept_fault_count);
  figures->set_unavailable(growth.unavailable);
  for (const TouchSite& site : growth.sites) SiteToProto(site, nodes, out->add_first_touches());
  out->set_left_out_first_touch_count(growth.left_out_site_count);
  if (growth.begin_mono_ns == 0) return;  // nothing was looked at
  std::map<uint64_t, uint64_t> new_bytes;
  for (const GrownMapping& mapping : growth.grown) new_bytes[mapping.start] = mapping.new_bytes;
  for (v1::MappingPlacement& mapping : *out->mutable_mappings()) {
    const auto grown = new_bytes.find(mapping.start());
    mapping.set_growth_bytes(grown == new_bytes.end() ? 0 : static_cast<int64_t>(grown->second));
  }
}

}  // namespace hftmon
