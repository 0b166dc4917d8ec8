#include "client/cli/render/numa.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <string>

#include "client/cli/render/heat_map.h"
#include "client/cli/render/numa_bandwidth.h"
#include "client/cli/render/numa_growth.h"
#include "client/cli/table.h"
#include "common/counted.h"
#include "common/duration.h"

namespace hftmon {
namespace {

constexpr int kMappingsShown = 20;  // of a process, those with the most room; JSON has all
constexpr int kThreadsShown = 20;
constexpr int kRangesShown = 40;  // of a process, by name; JSON has all

std::string MebibytesText(int64_t bytes) {
  return fmt::format("{} MiB", bytes >> 20);
}

template <typename Numbers>
std::string NumbersText(const Numbers& numbers) {
  return numbers.empty() ? "none" : fmt::format("{}", fmt::join(numbers, ","));
}

std::string FirmwareText(const v1::NumaNode& node) {
  if (!node.has_read_latency_ns()) return {};
  return fmt::format("read {}, write {}", FormatDuration(node.read_latency_ns()),
                     node.has_write_latency_ns() ? FormatDuration(node.write_latency_ns()) : "-");
}

std::string HugePagesText(const v1::NumaNode& node) {
  std::vector<std::string> pools;
  for (const v1::HugePagePool& pool : node.huge_pages()) {
    if (pool.total_count() == 0) continue;
    pools.push_back(fmt::format("{} of {} KiB ({} free)", pool.total_count(), pool.page_bytes() >> 10, pool.free_count()));
  }
  return fmt::format("{}", fmt::join(pools, ", "));
}

std::string NodesText(const v1::QueryNumaResponse& response) {
  using Align = Table::Align;
  Table table({{"node"},
               {"cpus", Align::kLeft},
               {"memory"},
               {"free"},
               {"distances", Align::kLeft},
               {"local"},
               {"other"},
               {"miss"},
               {"foreign"},
               {"huge pages", Align::kLeft},
               {"firmware", Align::kLeft}});
  for (const v1::NumaNode& node : response.nodes()) {
    std::vector<std::string> distances;
    for (const v1::NumaDistance& one : node.distances()) distances.push_back(fmt::format("{}:{}", one.node(), one.distance()));
    const auto counted = [&node](uint64_t count) { return node.has_counters() ? std::to_string(count) : ""; };
    table.AddRow({std::to_string(node.node()), NumbersText(node.cpus()), node.has_memory_bytes() ? MebibytesText(node.memory_bytes()) : "",
                  node.has_free_bytes() ? MebibytesText(node.free_bytes()) : "", fmt::format("{}", fmt::join(distances, " ")),
                  counted(node.counters().local_count()), counted(node.counters().other_count()), counted(node.counters().miss_count()),
                  counted(node.counters().foreign_count()), HugePagesText(node), FirmwareText(node)});
  }
  std::string text = table.Print();
  if (response.sub_numa_clustering()) text += "a package is cut into several nodes (sub-NUMA clustering)\n";
  return text;
}

std::string DevicesText(const v1::QueryNumaResponse& response) {
  std::string text;
  for (const v1::LocatedDevice& device : response.devices()) {
    const std::string place = device.has_node() ? fmt::format("node {}, CPUs {}", device.node(), NumbersText(device.local_cpus()))
                                                : "node not known: " + Printable(device.reason());
    text += fmt::format("{} {}: {}\n", Printable(device.kind()), Printable(device.name()), place);
  }
  if (response.left_out_device_count() > 0) {
    text += fmt::format("and {} more\n", Counted(response.left_out_device_count(), "device"));
  }
  return text;
}

std::string SharesText(const v1::MappingPlacement& mapping) {
  std::vector<std::string> shares;
  for (const v1::NodeShare& share : mapping.nodes()) {
    std::string text = fmt::format("node {}: {:.1f}%", share.node(), share.share() * 100);
    if (!mapping.exact()) text += fmt::format(" ({:.1f} to {:.1f})", share.share_low() * 100, share.share_high() * 100);
    shares.push_back(std::move(text));
  }
  return fmt::format("{}", fmt::join(shares, ", "));
}

// `what`: the rows are, in a word.
Table TableOf(const char* what) {
  using Align = Table::Align;
  return Table({{"pages"},
                {"looked at"},
                {"absent"},
                {"huge"},
                {"policy", Align::kLeft},
                {"elsewhere"},
                {"nodes (95 % interval)", Align::kLeft},
                {what, Align::kLeft}});
}

void AddRow(const v1::MappingPlacement& row, const std::string& nodes, const std::string& name, Table* table) {
  table->AddRow({std::to_string(row.page_count()), row.exact() ? "all" : std::to_string(row.sampled_count()),
                 std::to_string(row.absent_count()), row.has_huge_bytes() ? MebibytesText(static_cast<int64_t>(row.huge_bytes())) : "",
                 Printable(row.policy()), row.has_remote_share() ? fmt::format("{:.1f}%", row.remote_share() * 100) : "", nodes,
                 fmt::format("{:#x} {}{}", row.start(), Printable(name), row.changed() ? " (changed meanwhile)" : "")});
}

// Those that the program names; nothing where it names none, which `unavailable` tells.
std::string RangesText(const v1::ProcessPlacement& process) {
  if (process.ranges_size() == 0) return {};
  Table table = TableOf("range that the program names");
  for (int i = 0; i < std::min(process.ranges_size(), kRangesShown); ++i) {
    const v1::MappingPlacement& range = process.ranges(i);
    AddRow(range, range.nodes_size() > 0 ? SharesText(range) : "no page was found", range.name(), &table);
  }
  std::string text = table.Print(2);
  if (process.ranges_size() > kRangesShown) text += fmt::format("  and {} more (--json has all)\n", process.ranges_size() - kRangesShown);
  return text;
}

std::string MappingsText(const v1::ProcessPlacement& process) {
  std::vector<const v1::MappingPlacement*> there;
  for (const v1::MappingPlacement& mapping : process.mappings()) {
    if (mapping.nodes_size() > 0) there.push_back(&mapping);
  }
  const auto empty_count = static_cast<uint64_t>(process.mappings_size()) - there.size();
  std::stable_sort(there.begin(), there.end(), [](const auto* a, const auto* b) { return a->end() - a->start() > b->end() - b->start(); });
  Table table = TableOf("mapping");
  for (size_t i = 0; i < std::min<size_t>(there.size(), kMappingsShown); ++i) {
    const v1::MappingPlacement& mapping = *there[i];
    AddRow(mapping, SharesText(mapping), mapping.name().empty() ? "[anonymous]" : mapping.name(), &table);
  }
  std::string text = table.empty() ? "  nothing of it was found in memory\n" : table.Print(2);
  if (there.size() > kMappingsShown)
    text += fmt::format("  and {} (--json has all)\n", Counted(there.size() - kMappingsShown, "smaller one"));
  if (empty_count > 0) text += fmt::format("  {} of which no page was found\n", Counted(empty_count, "mapping"));
  return text;
}

std::string ThreadsText(const v1::ProcessPlacement& process) {
  std::map<std::string, int> counts;
  for (const v1::ThreadNode& thread : process.threads()) {
    ++counts[thread.has_node() ? fmt::format("node {}", thread.node()) : "a node that is not known"];
  }
  std::string text;
  for (const auto& [place, count] : counts) text += fmt::format("  {} ran last on {}\n", Counted(count, "thread"), place);
  if (counts.size() <= 1) return text;
  for (int i = 0; i < std::min(process.threads_size(), kThreadsShown); ++i) {
    const v1::ThreadNode& thread = process.threads(i);
    text += fmt::format("    {} {}: {}, may run on {}\n", thread.tid(), Printable(thread.comm()),
                        thread.has_node() ? fmt::format("node {}", thread.node()) : "not known", NumbersText(thread.allowed_nodes()));
  }
  return text;
}

// `now_ns`: the answer's CLOCK_MONOTONIC.
std::string ProcessText(const v1::ProcessPlacement& process, int64_t now_ns) {
  std::string text = fmt::format("\nprocess {} {}", process.pid(), Printable(process.comm()));
  if (!process.error().empty()) return text + fmt::format(": {}\n", Printable(process.error()));
  text += fmt::format(": looked at for {}, {}\n", FormatDuration(process.end_monotonic_ns() - process.begin_monotonic_ns()),
                      LookCostText(process.look_cost()));
  text += ThreadsText(process) + RangesText(process) + MappingsText(process);
  if (process.has_accesses()) text += "  " + NumaAccessesText(process.accesses()) + "\n";
  for (const v1::UnavailablePart& part : process.unavailable()) {
    text += fmt::format("  {} unavailable: {}\n", Printable(part.part()), Printable(part.reason()));
  }
  if (process.has_growth()) text += GrowthText(process);
  if (process.has_heat_map()) text += HeatMapText(process.heat_map(), now_ns);
  return text;
}

}  // namespace

std::string LookCostText(const v1::LookCost& cost) {
  std::string pages = Counted(cost.page_count(), "single page");
  if (cost.beside_page_count() > 0) pages += fmt::format(" ({} of named ranges and sampled lines)", cost.beside_page_count());
  return fmt::format("{}; {} that may hold its memory lock took {}, the longest {}", pages, Counted(cost.call_count(), "call"),
                     FormatDuration(cost.sum_ns()), FormatDuration(cost.longest_ns()));
}

std::string NumaText(const v1::QueryNumaResponse& response) {
  std::string text = NodesText(response);
  for (const v1::UnavailablePart& part : response.unavailable()) {
    text += fmt::format("{} unavailable: {}\n", Printable(part.part()), Printable(part.reason()));
  }
  text += DevicesText(response);
  text += NumaBandwidthText(response);
  for (const v1::ProcessPlacement& process : response.processes()) text += ProcessText(process, response.time().monotonic_ns());
  return text;
}

std::vector<std::string> NumaWarnings(const v1::QueryNumaResponse& response, bool exact) {
  std::vector<std::string> warnings;
  for (const v1::UnavailablePart& part : response.unavailable()) {
    if (part.part() == "heat_map") warnings.push_back(fmt::format("heat map unavailable: {}", Printable(part.reason())));
    // Told only where they were asked for.
    if (part.part() == "bandwidth" || part.part() == "links" || part.part() == "groups") {
      warnings.push_back(fmt::format("{} unavailable: {}", part.part(), Printable(part.reason())));
    }
  }
  if (response.left_out_process_count() > 0) {
    warnings.push_back(
        fmt::format("{} left out, beyond 64: name them with -p", Counted(response.left_out_process_count(), "process", "processes")));
  }
  for (const v1::ProcessPlacement& process : response.processes()) {
    const auto add = [&](const std::string& what) { warnings.push_back(fmt::format("process {}: {}", process.pid(), what)); };
    if (!process.error().empty()) add(Printable(process.error()));
    if (process.truncated()) add("it has more than 65536 mappings: the highest are missing");
    if (process.left_out_count() > 0) {
      add(fmt::format("{} not looked at: give more --pages", Counted(process.left_out_count(), "mapping was", "mappings were")));
    }
    if (process.bad_line_count() > 0) {
      add(fmt::format("{} of numa_maps not understood: report it", Counted(process.bad_line_count(), "line was", "lines were")));
    }
    if (!process.growth().unavailable().empty()) add("page faults: " + Printable(process.growth().unavailable()));
    for (const v1::UnavailablePart& part : process.unavailable()) {
      // Told only where it was asked for.
      if (part.part() == "heat_map") add(fmt::format("heat map unavailable: {}", Printable(part.reason())));
      // That nobody counts accesses or names ranges, or threads ran on several nodes, is no fault of the look.
      if (!exact || part.part() == "heat_map" || part.part() == "accesses" || part.part() == "ranges" || part.part() == "remote_share")
        continue;
      add(fmt::format("{} unavailable: {}", Printable(part.part()), Printable(part.reason())));
    }
  }
  return warnings;
}

}  // namespace hftmon
