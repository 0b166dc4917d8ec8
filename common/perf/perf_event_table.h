// PerfEventTable: the events of a recording, and which of them a record is of. One thread.
#ifndef HFTMON_COMMON_PERF_PERF_EVENT_TABLE_H_
#define HFTMON_COMMON_PERF_PERF_EVENT_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/perf/perf_event.h"
#include "common/perf/perf_features.h"

namespace hftmon {

class PerfEventTable {
 public:
  // RESOURCE_EXHAUSTED beyond the bounds of PerfDataFormat. DATA_LOSS: an id of another event.
  absl::Status Add(const PerfAttr& attr, std::span<const uint64_t> ids);
  // Names the events: one for one where there are as many of both, else by their ids. May come before them: kept for those still to come.
  void Describe(std::vector<PerfEventDescription> descriptions);

  // Pointers are valid until the next Add.
  PerfEvent* Find(uint64_t id);  // null: of none
  // Null: its id is none of these. INVALID_ARGUMENT: there are several and samples do not say which they are of. DATA_LOSS: no event at
  // all, or the body ends before the id.
  absl::StatusOr<PerfEvent*> OfSample(std::span<const std::byte> body);
  // Of another record of the kernel's, and the attr that says how its trailer reads. Event null: of perf's own. DATA_LOSS: no event at all.
  struct Trailer {
    PerfEvent* event = nullptr;
    const PerfAttr* attr = nullptr;
  };
  absl::StatusOr<Trailer> OfTrailer(std::span<const std::byte> body);
  // The one event where there is only one, whatever the id.
  PerfEvent* Only() { return events_.size() == 1 ? &events_.front() : nullptr; }

  // All names given. The table is empty then.
  std::vector<PerfEvent> Take();

 private:
  void NameFrom(size_t first);

  std::vector<PerfEvent> events_;
  std::unordered_map<uint64_t, size_t> index_by_id_;
  std::vector<PerfEventDescription> descriptions_;
  size_t named_count_ = 0;  // events that were there when the descriptions came
  size_t id_count_ = 0;
  bool ids_stand_in_one_place_ = true;  // in samples of the events so far
};

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_PERF_EVENT_TABLE_H_
