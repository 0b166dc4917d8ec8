#include "client/export/svg_topology.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "client/export/counted_stalls.h"
#include "client/export/html_text.h"
#include "common/duration.h"

namespace hftmon {
namespace {

constexpr size_t kCpusMax = 1'024;
constexpr double kWidth = 1040;
constexpr double kBox = 122;
constexpr double kBoxHeight = 62;
constexpr double kGap = 6;
constexpr size_t kPerRow = 8;
constexpr double kHead = 24;

struct CpuHeat {
  double stalled_ns = 0;
  double interrupts_ns = 0;
  double running_ns = 0;  // of watched threads
};

std::string Duration(double ns) {
  return FormatDuration(static_cast<int64_t>(std::min(ns, 1e18)));
}

struct Group {
  std::string title;
  std::vector<int32_t> cpus;
};

std::map<int32_t, CpuHeat> HeatOf(const Recording& recording) {
  std::map<int32_t, CpuHeat> heat;
  for (const CountedStall& stall : CountedStalls(recording, CountedByDefault())) {
    if (stall.spike->cpu >= 0) heat[stall.spike->cpu].stalled_ns += static_cast<double>(stall.counted_ns);
  }
  for (const RecordedInterrupts& source : recording.interrupts) heat[source.cpu].interrupts_ns += static_cast<double>(source.self_ns);
  for (const RecordedThread& thread : recording.threads) {
    for (const RecordedPiece& piece : thread.pieces) {
      if (piece.state == PieceState::kRunning && piece.cpu >= 0) heat[piece.cpu].running_ns += static_cast<double>(piece.duration_ns);
    }
  }
  return heat;
}

std::vector<Group> GroupsOf(const Recording& recording, const std::map<int32_t, CpuHeat>& heat) {
  std::vector<Group> groups;
  std::set<int32_t> placed;
  for (const RecordedNode& node : recording.nodes) {
    if (!node.cpus.empty()) groups.push_back({fmt::format("node {}", node.node), node.cpus});
    placed.insert(node.cpus.begin(), node.cpus.end());
  }
  Group rest{.title = recording.nodes.empty() ? "CPUs that the recording has something of; their nodes were not recorded" : "of no node",
             .cpus = {}};
  for (const auto& [cpu, of_cpu] : heat) {
    if (!placed.contains(cpu)) rest.cpus.push_back(cpu);
  }
  if (!rest.cpus.empty()) groups.push_back(std::move(rest));
  return groups;
}

// `has_interrupts`: the recording has sums of them, so that none is known to be none.
std::string Box(double x, double y, int32_t cpu, const CpuHeat& heat, double largest_ns, bool has_interrupts) {
  const std::string level = HeatClass(heat.stalled_ns, largest_ns);
  std::string svg =
      SvgRect(x, y, kBox - kGap, kBoxHeight - kGap, level + " box",
              fmt::format("CPU {}: watched threads lost {} here and ran {}", cpu, Duration(heat.stalled_ns), Duration(heat.running_ns)));
  const std::string on_heat = fmt::format("t on-{}", level);
  svg += SvgText(x + 8, y + 17, on_heat + " strong", fmt::format("CPU {}", cpu));
  svg += SvgText(x + 8, y + 33, on_heat, "lost " + Duration(heat.stalled_ns));
  svg += SvgText(x + 8, y + 48, on_heat, has_interrupts ? "irqs " + Duration(heat.interrupts_ns) : "irqs not recorded");
  return svg;
}

}  // namespace

std::string SvgTopology(const Recording& recording) {
  const std::map<int32_t, CpuHeat> heat = HeatOf(recording);
  const std::vector<Group> groups = GroupsOf(recording, heat);
  if (groups.empty()) return "";
  double largest_ns = 0;
  for (const auto& [cpu, of_cpu] : heat) largest_ns = std::max(largest_ns, of_cpu.stalled_ns);
  std::string body;
  double y = 4;
  size_t drawn = 0;
  for (const Group& group : groups) {
    body += SvgText(4, y + 15, "t strong", group.title);
    y += kHead;
    const size_t shown = std::min(group.cpus.size(), kCpusMax - drawn);
    for (size_t i = 0; i < shown; ++i) {
      const auto found = heat.find(group.cpus[i]);
      body += Box(4 + static_cast<double>(i % kPerRow) * kBox, y + static_cast<double>(i / kPerRow) * kBoxHeight, group.cpus[i],
                  found == heat.end() ? CpuHeat{} : found->second, largest_ns, !recording.interrupts.empty());
    }
    drawn += shown;
    y += static_cast<double>((shown + kPerRow - 1) / kPerRow) * kBoxHeight + 8;
    if (shown < group.cpus.size()) {
      body += SvgText(4, y + 12, "t tm", fmt::format("{} more CPUs are not drawn", group.cpus.size() - shown));
      y += kHead;
    }
  }
  return fmt::format("<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"topology\">\n{}</svg>\n", kWidth, y, body);
}

}  // namespace hftmon
