// PerfRecordTeller: takes records of a perf.data file one after another, keeps their counts and events, and tells a visitor. One thread.
#ifndef HFTMON_COMMON_PERF_PERF_RECORD_TELLER_H_
#define HFTMON_COMMON_PERF_PERF_RECORD_TELLER_H_

#include <cstdint>
#include <map>

#include "absl/status/status.h"
#include "common/perf/perf_data_reader.h"
#include "common/perf/perf_event_table.h"
#include "common/perf/perf_features.h"
#include "common/perf/perf_record.h"

namespace hftmon {

class PerfRecordTeller {
 public:
  // Both outlive it. `pipe`: events and features come as records.
  PerfRecordTeller(bool pipe, PerfEventTable* events, PerfFeatures* features, PerfDataVisitor* visitor)
      : pipe_(pipe), events_(events), features_(features), visitor_(visitor) {}

  // Whole records, but not those that pack others, or are followed by bytes that belong to them: they are the reader's, and only counted
  // here. Errors are ReadPerfData's, without the place.
  absl::Status Take(const PerfRecord& record);

  const std::map<uint32_t, uint64_t>& records_by_type() const { return records_by_type_; }
  uint64_t unmatched_samples() const { return unmatched_samples_; }
  uint64_t unmatched_stats() const { return unmatched_stats_; }

 private:
  absl::Status TakeKernels(const PerfRecord& record);
  absl::Status TakePerfs(const PerfRecord& record);
  absl::Status TakeSample(const PerfRecord& record);
  absl::Status TakeLost(const PerfRecord& record, const PerfEventTable::Trailer& trailer);
  absl::Status TakeThrottle(const PerfRecord& record, const PerfEventTable::Trailer& trailer);
  absl::Status TakeAttr(const PerfRecord& record);
  absl::Status TakeFeature(const PerfRecord& record);
  absl::Status TakeUpdate(const PerfRecord& record);
  absl::Status TakeStat(const PerfRecord& record);
  absl::Status TakeStatRound(const PerfRecord& record);
  absl::Status TakeTraceInfo(const PerfRecord& record);
  absl::Status TakeTimeConversion(const PerfRecord& record);
  PerfEvent* EventOf(uint64_t id);

  const bool pipe_;
  PerfEventTable* const events_;
  PerfFeatures* const features_;
  PerfDataVisitor* const visitor_;
  std::map<uint32_t, uint64_t> records_by_type_;
  uint64_t unmatched_samples_ = 0;
  uint64_t unmatched_stats_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_PERF_RECORD_TELLER_H_
