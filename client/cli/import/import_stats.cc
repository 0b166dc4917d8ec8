#include "client/cli/import/import_stats.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "common/counted.h"
#include "common/perf/generic_events.h"

namespace hftmon {
namespace {

// A thread's count of an event of one kind of a hybrid processor's cores: it stands still while the thread is on the other kind.
bool CountsOnOneKindOfCore(const PerfEvent& event, int32_t cpu) {
  return cpu < 0 && ((IsOfProcessor(event.attr.type) && event.attr.config >> 32 != 0) || event.name.starts_with("cpu_core/") ||
                     event.name.starts_with("cpu_atom/"));
}

void FillValue(const PerfEvent& event, const PerfStat& stat, ImportedStat* row) {
  if (stat.enabled_ns == 0) {
    row->reason = "never switched on: the thread did not run, or the CPU was offline";
    return;
  }
  if (stat.running_ns == 0) {
    row->reason = "not counted: no counter was free for it, or where it ran there is no such event";
    return;
  }
  double scale = event.scale;
  if (stat.running_ns < stat.enabled_ns) {
    row->multiplexed = !CountsOnOneKindOfCore(event, row->cpu);
    if (row->multiplexed) {
      scale *= static_cast<double>(stat.enabled_ns) / static_cast<double>(stat.running_ns);
    } else {
      row->reason = "not scaled: it counts on its own kind of core alone";
    }
  }
  const double value = static_cast<double>(stat.value) * scale;
  if (std::isfinite(value)) {
    row->value = value;
  } else {
    row->reason = "beyond what a number holds, by the file's own scale";
  }
}

}  // namespace

void ImportStats::Add(const PerfEvent& event, const PerfStat& stat) {
  const Key key{event.index, stat.cpu, stat.thread};
  const auto found = stats_.find(key);
  if (found != stats_.end()) {
    found->second = stat;
  } else if (stats_.size() < kStatsMax) {
    stats_.emplace(key, stat);
  } else {
    ++dropped_count_;
  }
}

std::vector<ImportedStat> ImportStats::Rows(const PerfDataSummary& summary) const {
  std::vector<ImportedStat> rows;
  rows.reserve(stats_.size());
  for (const auto& [key, stat] : stats_) {
    const auto& [event, cpu, thread] = key;
    ImportedStat row{.event = event,
                     .cpu = cpu,
                     .thread = thread,
                     .raw_value = stat.value,
                     .enabled_ns = stat.enabled_ns,
                     .running_ns = stat.running_ns};
    FillValue(summary.events[event], stat, &row);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<UnavailablePart> ImportStats::EventsWithoutValue(const PerfDataSummary& summary) const {
  std::vector<UnavailablePart> parts;
  if (stats_.empty()) return parts;
  const std::string reason = summary.unmatched_stats == 0
                                 ? "it was not supported where it was recorded: no value of it is in the file"
                                 : fmt::format("no value of it is in the file, and {} of events that the file does not describe",
                                               Counted(summary.unmatched_stats, "value"));
  for (const PerfEvent& event : summary.events) {
    const auto first = stats_.lower_bound(Key{event.index, INT32_MIN, 0});
    if (first == stats_.end() || std::get<0>(first->first) != event.index) parts.push_back({event.name, reason});
  }
  return parts;
}

}  // namespace hftmon
