// ReadPerfData: a whole perf.data file, written by `perf record`, `perf mem`, `perf c2c` or `perf stat record` on any little-endian
// machine: a file, or what `perf record -o -` sent through a pipe. One pass over its records, in the order of the file, which is not that
// of time: perf sorts neither CPUs nor rounds.
//
// The file is hostile until shown otherwise: every offset, size and count in it is checked, and memory is bounded: by the constants of
// perf_data_format.h, not by what the file says of itself. One thread.
#ifndef HFTMON_COMMON_PERF_PERF_DATA_READER_H_
#define HFTMON_COMMON_PERF_PERF_DATA_READER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/perf/byte_source.h"
#include "common/perf/perf_aux_records.h"
#include "common/perf/perf_build_ids.h"
#include "common/perf/perf_event.h"
#include "common/perf/perf_host.h"
#include "common/perf/perf_sample.h"
#include "common/perf/perf_task_records.h"

namespace hftmon {

// One value of `perf stat record`. With -I they grow from round to round: the last of an (id, cpu, thread) is its sum.
struct PerfStat {
  uint64_t id = 0;
  int32_t cpu = 0;      // -1: of all
  uint32_t thread = 0;  // which of those that were asked for, from 0
  uint64_t value = 0;   // raw; scaled by enabled / running where that is smaller
  uint64_t enabled_ns = 0;
  uint64_t running_ns = 0;  // 0: it never counted, and value says nothing
};

// Told while the file is read. Whatever it is given is valid until it returns. An event's name and unit may still come where the file is a
// pipe's: the summary has them. `event` is null where the record names none of the file's.
class PerfDataVisitor {
 public:
  virtual ~PerfDataVisitor() = default;
  // Of a group that is read with its leader (PERF_SAMPLE_READ), the leader's alone: `perf script` prints it once for each member.
  virtual void OnSample(const PerfEvent& event, const PerfSample& sample, uint16_t misc);
  virtual void OnStat(const PerfEvent* event, const PerfStat& stat);
  virtual void OnStatRound(int64_t time_ns, bool final);  // ends the values of one interval, or of all
  virtual void OnLost(const PerfEvent* event, const PerfLost& lost);
  virtual void OnThrottle(const PerfEvent* event, const PerfThrottle& throttle);
  virtual void OnSwitch(const PerfSwitch& change);
  virtual void OnComm(const PerfComm& comm);
  virtual void OnMapping(const PerfMapping& mapping);
  virtual void OnFork(const PerfTask& task);
  virtual void OnExit(const PerfTask& task);
  // Of hardware traces. `bytes_at`: in the source, of the trace's bytes; they are there.
  virtual void OnAuxtraceInfo(const PerfAuxtraceInfo& info);
  virtual void OnAuxtrace(const PerfAuxtrace& trace, uint64_t bytes_at);
  virtual void OnAux(const PerfAux& aux);
  virtual void OnItraceStart(const PerfItraceStart& start);
  virtual void OnTimeConversion(const PerfTimeConversion& conversion);
};

struct PerfDataSummary {
  bool pipe = false;
  bool compressed = false;
  PerfHost host;
  PerfBuildIds build_ids;                        // of files by name; mappings may have their own (PerfMapping)
  std::vector<PerfEvent> events;                 // in the file's order
  std::map<uint32_t, uint64_t> records_by_type;  // by PerfRecordType, those inside compressed records among them
  uint64_t aux_bytes = 0;                        // of hardware traces (Intel PT, Arm SPE); the visitor was told where they are
  uint64_t unmatched_samples = 0;                // whose id is none of the file's; told to nobody
  uint64_t unmatched_stats = 0;                  // values of `perf stat` whose id is none of the file's; told without an event
  std::vector<std::string> notes;                // what an answer from this file must say, in whole sentences

  uint64_t RecordCount(PerfRecordType type) const;
};

// INVALID_ARGUMENT: not such a file, or one that cannot be read by its kind (big-endian, of 2009, a directory's, several events whose
// samples do not say which they are of); the message says which. DATA_LOSS: such a file, damaged or cut: the byte, what is wrong there, and
// what helps. FAILED_PRECONDITION: sound, and more than this build reads (compressed without zstd, newer than this reader).
// RESOURCE_EXHAUSTED: beyond a bound. Others are the source's own. The visitor has been told what came before the fault.
absl::StatusOr<PerfDataSummary> ReadPerfData(ByteSource& source, PerfDataVisitor& visitor);

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_PERF_DATA_READER_H_
