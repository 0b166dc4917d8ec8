// StatusSource: the seam through which the service reads the daemon's own state. Implemented by the daemon, faked in tests. Any thread.
#ifndef HFTMON_DAEMON_CONTROL_STATUS_SOURCE_H_
#define HFTMON_DAEMON_CONTROL_STATUS_SOURCE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/clock_epoch.h"
#include "common/time_span.h"
#include "daemon/control/operation.h"
#include "daemon/os/kernel_clock.h"
#include "daemon/os/ptp_clocks.h"

namespace hftmon {

struct ProbeStatus {
  std::string name;
  std::string attach_point;
  uint64_t run_count = 0;
  std::optional<double> mean_ns;
  uint64_t recursion_misses = 0;
  int32_t instruction_count = 0;
  bool detached = false;
  std::string left_out_reason;  // empty: it runs
};

struct DropCounter {
  std::string name;
  uint64_t count = 0;
  std::string help;
  bool data_loss = false;
};

struct Bound {
  std::string name;
  int64_t used = 0;
  int64_t limit = 0;
};

struct LoopStatus {
  std::string mode;
  int32_t cpu = -1;
  std::string cpu_reason;
  uint64_t move_count = 0;
  uint64_t iteration_count = 0;
  uint64_t record_count = 0;
  uint64_t gap_count = 0;
  int64_t gap_max_ns = 0;
  int64_t gap_threshold_ns = 0;
  std::vector<uint64_t> detection_histogram;  // log-linear layout
  int64_t detection_max_ns = 0;
  int64_t detection_sum_ns = 0;
  // Of spikes in progress, from the crossing of the threshold; the same layout.
  std::vector<uint64_t> crossing_histogram;
  int64_t crossing_max_ns = 0;
  int64_t crossing_sum_ns = 0;
  std::string scheduling;
  std::vector<uint64_t> lateness_histogram;  // log-linear layout; since the mode in force began
  int64_t lateness_max_ns = 0;
  int64_t lateness_sum_ns = 0;
};

struct RunQueueClockStatus {
  int32_t cpu = 0;
  int64_t offset_ns = 0;
  int64_t error_ns = 0;
  std::optional<double> rate_ppm;
  uint64_t pair_count = 0;
};

struct ClockStatus {
  std::string source;
  std::string reason;
  double tsc_hz = 0;
  int64_t error_ns = 0;
  std::vector<RunQueueClockStatus> run_queue_clocks;
  std::vector<ClockEpoch> epochs;
  KernelClock kernel_clock;
  std::vector<PtpClock> ptp_clocks;
};

struct PendingSetting {
  std::string name;
  std::string in_force;
  std::string in_file;
};

// As hftmon.v1.ConfigStatus.
struct ConfigStatus {
  std::string path;
  int64_t loaded_mono_ns = 0;
  int64_t loaded_realtime_ns = 0;
  uint64_t reload_count = 0;
  uint64_t refused_count = 0;
  std::vector<PendingSetting> pending;
  std::vector<std::string> faults;
};

struct DaemonStatus {
  int32_t pid = 0;
  int64_t uptime_ns = 0;
  int64_t rss_bytes = 0;
  int64_t bpf_map_bytes = 0;
  int64_t cpu_time_ns = 0;
  int32_t thread_count = 0;
  std::string version;
  uint64_t lost_records = 0;
  std::vector<ProbeStatus> probes;
  std::vector<DropCounter> drops;
  std::vector<Bound> bounds;
  LoopStatus loop;
  ClockStatus clock;
  OperationStatus operation;
  ConfigStatus config;
};

struct Capability {
  std::string name;
  bool available = false;
  std::string reason;
  std::string mend;
  bool required = false;
};

struct TimePair {
  int64_t monotonic_ns = 0;
  int64_t realtime_ns = 0;
  int64_t error_ns = 0;
  int64_t tai_offset_ns = 0;  // 0: the kernel was told none
  uint32_t epoch = 0;         // 0: not known
};

class StatusSource {
 public:
  virtual ~StatusSource() = default;
  virtual DaemonStatus Status() const = 0;
  virtual std::vector<Capability> Capabilities() const = 0;
  virtual TimePair Now() const = 0;
  virtual uint64_t lost_records() const = 0;
  // Records lost whose time may lie in [begin, end).
  virtual uint64_t LostBetween(int64_t begin_mono_ns, int64_t end_mono_ns) const = 0;
  // Time of [begin, end) in which the programs were off.
  virtual int64_t OffWithin(int64_t begin_mono_ns, int64_t end_mono_ns) const = 0;
  // When that was, and when on which CPU records were lost: those that touch [begin, end].
  virtual std::vector<CpuTimeSpan> LossesWithin(int64_t begin_mono_ns, int64_t end_mono_ns) const = 0;
  virtual std::vector<TimeSpan> OffSpansWithin(int64_t begin_mono_ns, int64_t end_mono_ns) const = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_STATUS_SOURCE_H_
