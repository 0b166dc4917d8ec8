// TimedRecords: accesses of memory and records of tasks, brought into the order of their times. perf writes what each CPU had one CPU after
// the other, so what a sample's address meant may be told behind the sample. One thread.
//
// Bounds: kAccessesMax accesses and kTasksMax records of tasks with kTaskBytesMax of names at a time: 96 + 160 + 64 MB, and as much again
// as the larger of the first two while they are sorted. What finds no room is refused (accesses) or counted (tasks).
#ifndef HFTMON_CLIENT_CLI_IMPORT_TIMED_RECORDS_H_
#define HFTMON_CLIENT_CLI_IMPORT_TIMED_RECORDS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/functional/function_ref.h"
#include "common/memory_access/memory_access.h"
#include "common/perf/perf_address_spaces.h"
#include "common/perf/perf_task_records.h"

namespace hftmon {

class TimedRecords {
 public:
  static constexpr size_t kAccessesMax = 1'000'000;
  static constexpr size_t kTasksMax = 500'000;
  static constexpr size_t kTaskBytesMax = size_t{64} << 20;

  explicit TimedRecords(size_t accesses_max = kAccessesMax) : accesses_max_(accesses_max) {}

  // Records without a time are of before all others.
  void AddMapping(const PerfMapping& mapping);
  void AddComm(const PerfComm& comm);
  void AddFork(const PerfTask& task);
  // False: there is no room: Drain.
  bool AddAccess(const MemoryAccess& access);

  // Tells all that was added, by time, as it came where times are equal (tasks before accesses): tasks to `spaces`, accesses to `tell`.
  // Empty afterwards: what is added later and was earlier comes too late.
  void Drain(PerfAddressSpaces* spaces, absl::FunctionRef<void(const MemoryAccess&)> tell);
  // The same of what was until then, and tasks at that time; what is later stays.
  // Gives how many accesses it told.
  size_t DrainUntil(int64_t time_ns, PerfAddressSpaces* spaces, absl::FunctionRef<void(const MemoryAccess&)> tell);

  size_t accesses_max() const { return accesses_max_; }
  uint64_t dropped_task_count() const { return dropped_task_count_; }

 private:
  // A record whose names are its own: those in `record` are set when it is told.
  struct Task {
    int64_t time_ns = 0;
    std::variant<PerfMapping, PerfComm, PerfTask> record;
    std::string name;
    std::string build_id;
  };
  static_assert(sizeof(Task) <= 320 && sizeof(MemoryAccess) <= 96, "the bounds above are reckoned with these");

  void Add(Task task);
  static void Tell(const Task& task, PerfAddressSpaces* spaces);

  const size_t accesses_max_;
  std::vector<MemoryAccess> accesses_;
  std::vector<Task> tasks_;
  size_t task_bytes_ = 0;
  uint64_t dropped_task_count_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_IMPORT_TIMED_RECORDS_H_
