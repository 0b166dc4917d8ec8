// The rules of TargetOptions: what is accepted, what 0 stands for, what two clients' wishes make together. Pure functions.
#ifndef HFTMON_DAEMON_CONTROL_TARGET_OPTIONS_H_
#define HFTMON_DAEMON_CONTROL_TARGET_OPTIONS_H_

#include <cstdint>
#include <limits>
#include <string_view>

#include "absl/status/status.h"
#include "daemon/control/targets.h"
#include "daemon/pmu/counter_wish.h"

namespace hftmon {

// A threshold that nothing exceeds: the user-space spelling of HFT_NO_THRESHOLD.
inline constexpr int64_t kNoThresholdNs = std::numeric_limits<int64_t>::max();

struct TargetDefaults {
  int64_t spike_threshold_ns = 50'000;
  int64_t sampling_interval_ns = 10'000'000;
  int64_t counter_interval_ns = 1'000'000;
};

// 0 is always accepted. INVALID_ARGUMENT names the field, its value and the range.
absl::Status ValidateSpikeThreshold(int64_t threshold_ns, const TargetDefaults& defaults);
absl::Status ValidateBlockedThreshold(int64_t threshold_ns);
absl::Status ValidateOperationThreshold(int64_t threshold_ns);
absl::Status ValidateSamplingInterval(int64_t interval_ns, const TargetDefaults& defaults);
absl::Status ValidateCounters(const TargetOptions& options);

// INVALID_ARGUMENT: out of range, or no such probe group. FAILED_PRECONDITION: a real group, or numa, that is not to be had. Whether
// this host has the events that are to be counted, who attaches the programs finds out.
absl::Status ValidateTargetOptions(const TargetOptions& options, const TargetDefaults& defaults);
absl::Status ValidateTargetUpdate(const TargetUpdate& update, const TargetDefaults& defaults);

// The options with each 0 replaced by what it stands for; a blocked threshold of 0 stays: none; so does an operation's: adaptive.
TargetOptions ResolveTargetOptions(const TargetOptions& options, const TargetDefaults& defaults);

// Probe groups: always on; what a thread blocks in (daemon/bpf/call_events.h); its page faults, and the kernel's locks that it waits for
// (daemon/bpf/kernel_time_events.h); what hardware and hypervisor do to CPUs (daemon/bpf/hardware_events.h); the packets that it reads
// (daemon/bpf/network_events.h); the work that interrupts put off (daemon/bpf/deferred_events.h); when it is back
// from its sleeps until a time (daemon/bpf/return_events.h).
inline constexpr std::string_view kSchedGroup = "sched";
inline constexpr std::string_view kLocksGroup = "locks";
inline constexpr std::string_view kMemoryGroup = "memory";
inline constexpr std::string_view kKernelLocksGroup = "kernel_locks";
inline constexpr std::string_view kHardwareGroup = "hardware";
inline constexpr std::string_view kNetworkGroup = "network";
inline constexpr std::string_view kIrqGroup = "irq";
inline constexpr std::string_view kReturnsGroup = "returns";
bool HasProbeGroup(const TargetOptions& options, std::string_view group);

// Whether any events of its threads are to be counted, and which.
bool Counts(const TargetOptions& options);
CounterWish CounterWishOf(const TargetOptions& options);

// What satisfies both: the lower thresholds and interval, every group. Both are resolved.
TargetOptions UniteTargetOptions(const TargetOptions& one, const TargetOptions& other);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_TARGET_OPTIONS_H_
