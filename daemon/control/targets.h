// Targets: which processes are watched, with which options. (Public part of the contract; the private part is the implementer's.)
//
// Threads: every method by any thread (one mutex inside; never taken by the housekeeping thread). Life events arrive through Pump().
// Errors: absl codes as documented in proto/hftmon/v1; each message names the thing, the cause and the mend.
#ifndef HFTMON_DAEMON_CONTROL_TARGETS_H_
#define HFTMON_DAEMON_CONTROL_TARGETS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/control/rule_selector.h"
#include "daemon/os/pid_level.h"

namespace hftmon {

inline constexpr int64_t kThresholdMinNs = 1'000;
inline constexpr int64_t kThresholdMaxNs = 60'000'000'000;
inline constexpr int64_t kBlockedThresholdMaxNs = 3'600'000'000'000;
inline constexpr int64_t kSamplingIntervalMinNs = 100'000;
inline constexpr int64_t kSamplingIntervalMaxNs = 60'000'000'000;
inline constexpr int64_t kCounterIntervalMinNs = 1'000;
inline constexpr int64_t kCounterIntervalMaxNs = 1'000'000'000;
inline constexpr size_t kCounterEventsMax = 8;  // counted at once, for all targets together
inline constexpr size_t kCounterNameBytesMax = 256;

// As in hftmon.v1.TargetOptions; 0 means the daemon's default, absent or none, as documented there.
struct TargetOptions {
  int64_t spike_threshold_ns = 0;
  int64_t blocked_threshold_ns = 0;
  int64_t sampling_interval_ns = 0;
  std::vector<std::string> probe_groups;
  bool cache = false;
  bool numa = false;
  bool follow_children = true;
  bool kernel_stacks = false;
  bool user_stacks = false;
  bool waker = false;
  int64_t operation_threshold_ns = 0;  // 0: adaptive
  std::vector<std::string> counter_events;
  int64_t counter_interval_ns = 0;
};

enum class TargetState { kRunning, kPaused, kEnded };

// A client's part in a target or a rule.
struct HolderInfo {
  uint64_t session_id = 0;  // 0: the part persists
  std::string client;       // the session's name for itself
  uint32_t rule_id = 0;     // held through that rule; 0 = by its process id
  bool inherited = false;   // as a child of a process that is held so
  TargetOptions options;
};

struct TargetInfo {
  uint32_t pid = 0;
  int64_t start_boottime_ns = 0;
  std::string comm;
  TargetState state = TargetState::kRunning;
  TargetOptions options;  // as in force
  int32_t thread_count = 0;
  uint32_t parent_pid = 0;
  bool watched_from_birth = false;  // by the fork hook: nothing of it is missing before attached_mono_ns
  int64_t attached_mono_ns = 0;
  int64_t ended_mono_ns = 0;         // 0 while alive
  int64_t sampling_interval_ns = 0;  // as asked of the loop: the shortest that any target or lease wants
  // Threads that are not watched, because they found no place in the tables of threads: now, the most at one time, and when there was one
  // last (0 = never). The last two stay when it ends.
  uint64_t unslotted_thread_count = 0;
  uint64_t unslotted_peak_count = 0;
  int64_t unslotted_mono_ns = 0;
  bool kernel_thread = false;
  PidLevels pid_levels;             // as found when it became a target; they stay when it ends
  std::vector<HolderInfo> holders;  // none when it has ended
  // By probe group that it asks for: since when without a break. Programs that many targets share may have been attached before.
  std::map<std::string, int64_t, std::less<>> probes_since_mono_ns;
  std::vector<int> spike_cpus;  // its spikes are those on these CPUs, because only rules of CPUs hold it; empty = all
};

// Threads of one name that were switched in on a CPU of a rule while their process was not watched.
struct CpuVisitInfo {
  int cpu = 0;
  std::string comm;
  uint64_t count = 0;
  uint32_t last_tid = 0;
  uint32_t last_pid = 0;
};

struct RuleInfo {
  uint32_t id = 0;
  RuleSelector selector;
  TargetOptions options;
  std::vector<HolderInfo> holders;
  std::vector<uint32_t> pids;  // the targets it holds now
  uint64_t found_count = 0;    // since it was made
  uint64_t refused_count = 0;  // found and not watched: a bound was reached
  std::vector<CpuVisitInfo> visits;
  uint64_t unnamed_visit_count = 0;
};

// Processes and rules that a client asks for. Ids and selectors are each named once.
struct AttachWish {
  std::span<const int32_t> pids;
  std::span<const RuleSelector> selectors;
  TargetOptions options;
  uint64_t session_id = 0;  // 0: the part persists
};
struct AttachResult {
  std::vector<TargetInfo> targets;  // of the pids
  std::vector<RuleInfo> rules;
};

struct DetachWish {
  std::span<const int32_t> pids;
  std::span<const RuleSelector> selectors;
  bool all = false;         // without a session: everything; with one: all that is the session's
  bool force = false;       // the parts of all clients
  uint64_t session_id = 0;  // 0: the part that persists
};
struct DetachResult {
  std::vector<int32_t> pids;        // no targets any more
  std::vector<int32_t> still_held;  // others hold them
  std::vector<RuleInfo> rules;      // that ended
};

// What UpdateTarget may change; unset = as it is.
struct TargetUpdate {
  std::optional<int64_t> spike_threshold_ns;
  std::optional<int64_t> blocked_threshold_ns;
  std::optional<int64_t> sampling_interval_ns;
  std::optional<bool> follow_children;
  std::optional<bool> kernel_stacks;
  std::optional<bool> user_stacks;
  std::optional<bool> waker;
  std::optional<int64_t> operation_threshold_ns;
  std::optional<std::vector<std::string>> probe_groups;  // exactly these, and what is always on
  std::optional<bool> cache;
  std::optional<std::vector<std::string>> counter_events;  // exactly these
  std::optional<int64_t> counter_interval_ns;
  std::optional<TargetState> state;  // kRunning or kPaused

  bool counters() const { return cache || counter_events || counter_interval_ns; }
};

// Keeps the kernel's and the detector's thresholds at or below its own while it lives. Released from any thread.
class ThresholdLease {
 public:
  virtual ~ThresholdLease() = default;
};

// The seam the service sees; implemented by TargetRegistry, faked in the service's tests.
class Targets {
 public:
  virtual ~Targets() = default;
  virtual absl::StatusOr<AttachResult> Attach(const AttachWish& wish) = 0;
  virtual absl::StatusOr<DetachResult> Detach(const DetachWish& wish) = 0;
  virtual std::vector<TargetInfo> List() const = 0;
  virtual std::vector<RuleInfo> Rules() const = 0;
  // A client's session, and its end with all its parts; closing an unknown one does nothing. RESOURCE_EXHAUSTED: too many are open.
  virtual absl::StatusOr<uint64_t> OpenSession(const std::string& client) = 0;
  virtual void CloseSession(uint64_t session_id) = 0;
  virtual absl::StatusOr<TargetInfo> Update(int32_t pid, const TargetUpdate& update) = 0;
  // Thresholds in nanoseconds; spike 0 = the daemon's default, also when that changes; blocked 0 = none. INVALID_ARGUMENT outside the
  // bounds above, RESOURCE_EXHAUSTED when too many are held.
  virtual absl::StatusOr<std::unique_ptr<ThresholdLease>> LeaseThresholds(int64_t spike_threshold_ns, int64_t blocked_threshold_ns) = 0;
  // The kernel's floors now, and the highest they were since `since_mono_ns` (0 = none in force: HFT_NO_THRESHOLD as INT64_MAX).
  struct Floors {
    int64_t run_queue_ns = 0;
    int64_t off_cpu_ns = 0;
  };
  virtual Floors FloorsSince(int64_t since_mono_ns) const = 0;
  virtual int64_t default_spike_threshold_ns() const = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_TARGETS_H_
