#include "client/cli/render/numa_growth.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "client/cli/table.h"
#include "common/counted.h"
#include "common/duration.h"

namespace hftmon {
namespace {

constexpr int kSitesShown = 10;
constexpr int kFramesShown = 6;

std::string SiteText(const v1::FirstTouch& site, uint64_t fault_count) {
  std::vector<std::string> nodes;
  for (const v1::NodeShare& share : site.nodes()) nodes.push_back(fmt::format("node {} {:.0f} %", share.node(), 100 * share.share()));
  const std::string where = site.start() == 0 ? "[unmapped since]" : Printable(site.name().empty() ? "[anonymous]" : site.name());
  std::string text = fmt::format("    {} ({:.0f} %, {}) in {:#x} {}, touched from {}\n", Counted(site.fault_count(), "fault"),
                                 100.0 * static_cast<double>(site.fault_count()) / static_cast<double>(std::max<uint64_t>(1, fault_count)),
                                 Counted(site.sample_count(), "sample"), site.start(), where,
                                 nodes.empty() ? "CPUs that are offline since" : fmt::format("{}", fmt::join(nodes, ", ")));
  for (int i = 0; i < std::min(site.frames_size(), kFramesShown); ++i) text += fmt::format("      {}\n", Printable(site.frames(i)));
  if (site.frames_size() > kFramesShown)
    text += fmt::format("      and {} outer ones\n", Counted(site.frames_size() - kFramesShown, "frame"));
  if (!site.unavailable().empty()) text += fmt::format("      stack: {}\n", Printable(site.unavailable()));
  return text;
}

std::string GrownText(const v1::ProcessPlacement& process) {
  std::vector<const v1::MappingPlacement*> grown;
  for (const v1::MappingPlacement& mapping : process.mappings()) {
    if (mapping.growth_bytes() > 0) grown.push_back(&mapping);
  }
  std::stable_sort(grown.begin(), grown.end(), [](const auto* a, const auto* b) { return a->growth_bytes() > b->growth_bytes(); });
  std::string text;
  for (size_t i = 0; i < std::min<size_t>(grown.size(), kSitesShown); ++i) {
    text += fmt::format("    {} KiB more of addresses: {:#x} {}\n", grown[i]->growth_bytes() >> 10, grown[i]->start(),
                        Printable(grown[i]->name().empty() ? "[anonymous]" : grown[i]->name()));
  }
  return text;
}

}  // namespace

std::string GrowthText(const v1::ProcessPlacement& process) {
  const v1::MemoryGrowth& growth = process.growth();
  if (growth.begin_monotonic_ns() == 0) return fmt::format("  growth unavailable: {}\n", Printable(growth.unavailable()));
  std::string text = fmt::format(
      "  memory first touched in {}: {} of {}, by {}\n", FormatDuration(growth.end_monotonic_ns() - growth.begin_monotonic_ns()),
      Counted(growth.fault_count(), "page fault"), Counted(growth.thread_count(), "thread"), Counted(growth.sample_count(), "sample"));
  if (growth.lost_count() > 0) text += fmt::format("    {} found no room\n", Counted(growth.lost_count(), "sample"));
  if (growth.lost_count() > 0 || growth.untold_fault_count() > 0) {
    text += fmt::format("    {} more at least, which no sample tells of: shares are of the others\n",
                        Counted(growth.untold_fault_count(), "page fault"));
  }
  if (growth.unkept_fault_count() > 0) {
    text += fmt::format("    {} told no path, beyond 1024 different ones\n", Counted(growth.unkept_fault_count(), "fault"));
  }
  if (growth.unsampled_thread_count() > 0) {
    text += fmt::format("    {} not sampled: {}\n", Counted(growth.unsampled_thread_count(), "thread was", "threads were"),
                        Printable(growth.unavailable()));
  }
  for (int i = 0; i < std::min(process.first_touches_size(), kSitesShown); ++i) {
    text += SiteText(process.first_touches(i), growth.fault_count());
  }
  if (process.first_touches_size() > kSitesShown) {
    text += fmt::format("    and {} with fewer (--json has 64)\n", Counted(process.first_touches_size() - kSitesShown, "site"));
  }
  return text + GrownText(process);
}

void PutGrowth(const v1::ProcessPlacement& process, Json* json) {
  const v1::MemoryGrowth& growth = process.growth();
  (*json)["growth"] = {{"begin_ns", growth.begin_monotonic_ns()},
                       {"end_ns", growth.end_monotonic_ns()},
                       {"fault_count", growth.fault_count()},
                       {"sample_count", growth.sample_count()},
                       {"lost_count", growth.lost_count()},
                       {"untold_fault_count", growth.untold_fault_count()},
                       {"thread_count", growth.thread_count()},
                       {"unsampled_thread_count", growth.unsampled_thread_count()},
                       {"unkept_fault_count", growth.unkept_fault_count()},
                       {"unavailable", growth.unavailable()}};
  Json& sites = (*json)["first_touches"] = Json::array();
  for (const v1::FirstTouch& site : process.first_touches()) {
    Json nodes = Json::array();
    for (const v1::NodeShare& share : site.nodes()) {
      nodes.push_back({{"node", share.node()}, {"faults", share.pages()}, {"share", share.share()}});
    }
    sites.push_back({{"fault_count", site.fault_count()},
                     {"sample_count", site.sample_count()},
                     {"start", site.start()},
                     {"end", site.end()},
                     {"name", site.name()},
                     {"nodes", std::move(nodes)},
                     {"frames", std::vector<std::string>(site.frames().begin(), site.frames().end())},
                     {"unavailable", site.unavailable()}});
  }
  (*json)["left_out_first_touch_count"] = process.left_out_first_touch_count();
}

}  // namespace hftmon
