// ImportStats: the counts of `perf stat record` in a perf.data file. One thread.
//
// Bound: kStatsMax counts; what finds no room is counted.
#ifndef HFTMON_CLIENT_CLI_IMPORT_IMPORT_STATS_H_
#define HFTMON_CLIENT_CLI_IMPORT_IMPORT_STATS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "client/cli/import/unavailable_part.h"
#include "common/perf/perf_data_reader.h"

namespace hftmon {

// One count of `perf stat record`, of the whole run.
struct ImportedStat {
  size_t event = 0;             // of summary.events
  int32_t cpu = -1;             // -1: of all
  uint32_t thread = 0;          // which of those asked for
  std::optional<double> value;  // in the event's unit; estimated where multiplexed. Absent: `reason`
  uint64_t raw_value = 0;       // as it was counted; says nothing where running_ns is 0
  bool multiplexed = false;     // it counted for running_ns of enabled_ns, and the value is scaled to all of it
  uint64_t enabled_ns = 0;
  uint64_t running_ns = 0;
  std::string reason;  // why there is no value, or why it is not scaled
};

class ImportStats {
 public:
  static constexpr size_t kStatsMax = 100'000;

  // With -I counts grow from round to round: the last one of an event, CPU and thread is that of the whole run.
  void Add(const PerfEvent& event, const PerfStat& stat);

  // By event, CPU, thread.
  std::vector<ImportedStat> Rows(const PerfDataSummary& summary) const;
  // Events of which no value is in a file that has counts.
  std::vector<UnavailablePart> EventsWithoutValue(const PerfDataSummary& summary) const;
  uint64_t dropped_count() const { return dropped_count_; }

 private:
  using Key = std::tuple<size_t, int32_t, uint32_t>;  // event, CPU, thread

  std::map<Key, PerfStat> stats_;
  uint64_t dropped_count_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_IMPORT_IMPORT_STATS_H_
