// TraceThreads: which thread of which process an operation of a hardware trace is of. Told of the recording's tasks and switches first, in
// any order. One thread.
//
// Bounds: kOwnersMax and kRunsMax of what is kept, 24 + 48 MB; what finds no room is counted.
#ifndef HFTMON_CLIENT_CLI_IMPORT_TRACE_THREADS_H_
#define HFTMON_CLIENT_CLI_IMPORT_TRACE_THREADS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/perf/perf_aux_records.h"
#include "common/perf/perf_task_records.h"
#include "common/perf/spe_trace.h"

namespace hftmon {

struct TraceThread {
  uint32_t pid = 0, tid = 0;
  bool operator==(const TraceThread&) const = default;
};

class TraceThreads {
 public:
  static constexpr size_t kOwnersMax = 1u << 20;
  static constexpr size_t kRunsMax = 2u << 20;

  void OnComm(const PerfComm& comm) { Own(comm.tid, comm.pid, comm.sample_id.time_ns.value_or(0)); }
  void OnFork(const PerfTask& task) { Own(task.tid, task.pid, task.time_ns); }
  void OnMapping(const PerfMapping& mapping) { Own(mapping.tid, mapping.pid, mapping.sample_id.time_ns.value_or(0)); }
  void OnSwitch(const PerfSwitch& change);
  void OnItraceStart(const PerfItraceStart& start);
  // After the last of them, before Of.
  void Sort();

  // By what the record tells (CONTEXTIDR), else by whose buffer it stood in, else by who had its CPU then. No value: none of these tells,
  // or of which process that thread is is not recorded.
  std::optional<TraceThread> Of(const SpeSample& sample) const;
  uint64_t dropped_count() const { return dropped_count_; }

 private:
  struct Owner {
    int64_t time_ns = 0;  // from then on, and before where it is the first
    uint32_t pid = 0;
  };
  struct Run {
    int64_t time_ns = 0;  // from then on, until the next on that CPU
    std::optional<TraceThread> thread;
  };

  void Own(uint32_t tid, uint32_t pid, int64_t time_ns);
  void Ran(const PerfSampleId& id, const std::optional<TraceThread>& thread);
  std::optional<TraceThread> WithOwner(uint32_t tid, int64_t time_ns) const;

  absl::flat_hash_map<uint32_t, std::vector<Owner>> owners_;  // by thread
  absl::flat_hash_map<uint32_t, std::vector<Run>> runs_;      // by CPU
  size_t owner_count_ = 0;
  size_t run_count_ = 0;
  uint64_t dropped_count_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_IMPORT_TRACE_THREADS_H_
