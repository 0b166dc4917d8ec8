#include "daemon/control/target_options.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace hftmon {
namespace {

constexpr std::array<std::string_view, 8> kGroups = {kSchedGroup,    kLocksGroup,   kKernelLocksGroup, kMemoryGroup,
                                                     kHardwareGroup, kNetworkGroup, kIrqGroup,         kReturnsGroup};
// Subjects that need no probes of their own: refused, but not as a misspelling.
constexpr std::array<std::string_view, 2> kSubjectsWithoutGroup = {"numa", "operations"};
constexpr std::string_view kCacheName = "cache";  // once announced as a group
constexpr size_t kProbeGroupsMax = 16;
constexpr size_t kShownNameBytes = 40;

absl::Status RangeError(std::string_view field, int64_t value_ns, std::string_view range, const std::string& zero) {
  return absl::InvalidArgumentError(absl::StrFormat("%s is %d: use %s, or 0 for %s", field, value_ns, range, zero));
}

std::string Microseconds(int64_t ns) {
  return absl::StrFormat("%g us", static_cast<double>(ns) / 1e3);
}

absl::Status ValidateProbeGroups(const std::vector<std::string>& groups) {
  if (groups.size() > kProbeGroupsMax) {
    return absl::InvalidArgumentError(
        absl::StrFormat("probe_groups has %d names, at most %d are accepted: name each group once", groups.size(), kProbeGroupsMax));
  }
  for (const std::string& group : groups) {
    if (std::find(kGroups.begin(), kGroups.end(), group) != kGroups.end()) continue;
    if (std::find(kSubjectsWithoutGroup.begin(), kSubjectsWithoutGroup.end(), group) != kSubjectsWithoutGroup.end()) {
      return absl::FailedPreconditionError(
          absl::StrFormat("\"%s\" is no probe group and needs none: attach without it, hftmon %s tells of every target; available: sched "
                          "(always on), locks, kernel_locks, memory, hardware, network, irq, returns",
                          group, group));
    }
    if (group == kCacheName) {
      return absl::InvalidArgumentError(
          "\"cache\" is no probe group, it counts events: use --cache (TargetOptions.cache), or --counters EVENT,… (counter_events)");
    }
    return absl::InvalidArgumentError(absl::StrFormat(
        "probe group \"%s\" does not exist: those available are sched (always on), locks, kernel_locks, memory, hardware, network, irq "
        "and returns",
        absl::CHexEscape(group.substr(0, kShownNameBytes))));
  }
  return absl::OkStatus();
}

// Of two thresholds whose 0 stands for none.
int64_t LowerOf(int64_t one_ns, int64_t other_ns) {
  return one_ns == 0 || other_ns == 0 ? std::max(one_ns, other_ns) : std::min(one_ns, other_ns);
}

}  // namespace

bool HasProbeGroup(const TargetOptions& options, std::string_view group) {
  return std::find(options.probe_groups.begin(), options.probe_groups.end(), group) != options.probe_groups.end();
}

bool Counts(const TargetOptions& options) {
  return options.cache || !options.counter_events.empty();
}

CounterWish CounterWishOf(const TargetOptions& options) {
  CounterWish wish{.cache = options.cache, .interval_ns = options.counter_interval_ns};
  wish |= {.events = options.counter_events};
  return wish;
}

absl::Status ValidateSpikeThreshold(int64_t threshold_ns, const TargetDefaults& defaults) {
  if (threshold_ns == 0 || (threshold_ns >= kThresholdMinNs && threshold_ns <= kThresholdMaxNs)) return absl::OkStatus();
  return RangeError("spike_threshold_ns", threshold_ns, "1000 (1 us) to 60000000000 (60 s)",
                    absl::StrCat("the default of ", Microseconds(defaults.spike_threshold_ns)));
}

absl::Status ValidateBlockedThreshold(int64_t threshold_ns) {
  if (threshold_ns == 0 || (threshold_ns >= kThresholdMinNs && threshold_ns <= kBlockedThresholdMaxNs)) return absl::OkStatus();
  return RangeError("blocked_threshold_ns", threshold_ns, "1000 (1 us) to 3600000000000 (3600 s)", "no blocked spikes");
}

absl::Status ValidateSamplingInterval(int64_t interval_ns, const TargetDefaults& defaults) {
  if (interval_ns == 0 || (interval_ns >= kSamplingIntervalMinNs && interval_ns <= kSamplingIntervalMaxNs)) return absl::OkStatus();
  return RangeError("sampling_interval_ns", interval_ns, "100000 (100 us) to 60000000000 (60 s)",
                    absl::StrCat("the default of ", Microseconds(defaults.sampling_interval_ns)));
}

absl::Status ValidateCounters(const TargetOptions& options) {
  const int64_t interval_ns = options.counter_interval_ns;
  if (interval_ns != 0 && (interval_ns < kCounterIntervalMinNs || interval_ns > kCounterIntervalMaxNs)) {
    return RangeError("counter_interval_ns (--counter-interval)", interval_ns, "1000 (1 us) to 1000000000 (1 s)", "the default of 1000 us");
  }
  if (interval_ns != 0 && !Counts(options)) {
    return absl::InvalidArgumentError(
        "counter_interval_ns (--counter-interval) is given and nothing is to be counted: ask for cache (--cache), or name counter_events "
        "(--counters)");
  }
  if (options.counter_events.size() > kCounterEventsMax) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("counter_events (--counters) has %d names, and at most %d events are counted at once: name fewer",
                        options.counter_events.size(), kCounterEventsMax));
  }
  for (const std::string& name : options.counter_events) {
    if (!name.empty() && name.size() <= kCounterNameBytesMax) continue;
    return absl::InvalidArgumentError(
        absl::StrFormat("counter_events (--counters): an event's name has 1 to %d bytes, e.g. \"page-faults\", and not %d",
                        kCounterNameBytesMax, name.size()));
  }
  return absl::OkStatus();
}

absl::Status ValidateOperationThreshold(int64_t threshold_ns) {
  if (threshold_ns == 0 || (threshold_ns >= kThresholdMinNs && threshold_ns <= kThresholdMaxNs)) return absl::OkStatus();
  return RangeError("operation_threshold_ns", threshold_ns, "1000 (1 us) to 60000000000 (60 s)", "an adaptive one");
}

absl::Status ValidateTargetOptions(const TargetOptions& options, const TargetDefaults& defaults) {
  if (absl::Status status = ValidateSpikeThreshold(options.spike_threshold_ns, defaults); !status.ok()) return status;
  if (absl::Status status = ValidateBlockedThreshold(options.blocked_threshold_ns); !status.ok()) return status;
  if (absl::Status status = ValidateOperationThreshold(options.operation_threshold_ns); !status.ok()) return status;
  if (absl::Status status = ValidateSamplingInterval(options.sampling_interval_ns, defaults); !status.ok()) return status;
  if (absl::Status status = ValidateProbeGroups(options.probe_groups); !status.ok()) return status;
  if (absl::Status status = ValidateCounters(options); !status.ok()) return status;
  if (options.numa) {
    return absl::FailedPreconditionError(
        "numa is nothing that a target has to be attached with: attach without it, hftmon numa (QueryNuma) tells where the memory of every "
        "target lies");
  }
  return absl::OkStatus();
}

absl::Status ValidateTargetUpdate(const TargetUpdate& update, const TargetDefaults& defaults) {
  if (absl::Status status = ValidateSpikeThreshold(update.spike_threshold_ns.value_or(0), defaults); !status.ok()) return status;
  if (absl::Status status = ValidateBlockedThreshold(update.blocked_threshold_ns.value_or(0)); !status.ok()) return status;
  if (absl::Status status = ValidateOperationThreshold(update.operation_threshold_ns.value_or(0)); !status.ok()) return status;
  if (absl::Status status = ValidateSamplingInterval(update.sampling_interval_ns.value_or(0), defaults); !status.ok()) return status;
  if (update.probe_groups) {
    if (absl::Status status = ValidateProbeGroups(*update.probe_groups); !status.ok()) return status;
  }
  // Whether anything is to be counted in such an interval shows with what the target has.
  const TargetOptions counters{.cache = update.cache.value_or(true),
                               .counter_events = update.counter_events.value_or(std::vector<std::string>()),
                               .counter_interval_ns = update.counter_interval_ns.value_or(0)};
  if (absl::Status status = ValidateCounters(counters); !status.ok()) return status;
  if (update.state.has_value() && *update.state != TargetState::kRunning && *update.state != TargetState::kPaused) {
    return absl::InvalidArgumentError("state can be set to RUNNING or PAUSED only: to stop watching a process, detach it");
  }
  return absl::OkStatus();
}

TargetOptions ResolveTargetOptions(const TargetOptions& options, const TargetDefaults& defaults) {
  TargetOptions resolved = options;
  if (resolved.spike_threshold_ns == 0) resolved.spike_threshold_ns = defaults.spike_threshold_ns;
  if (resolved.sampling_interval_ns == 0) resolved.sampling_interval_ns = defaults.sampling_interval_ns;
  if (Counts(options) && resolved.counter_interval_ns == 0) resolved.counter_interval_ns = defaults.counter_interval_ns;
  resolved.counter_events = CounterWishOf(options).events;  // each once
  resolved.probe_groups.clear();
  for (const std::string_view group : kGroups) {
    if (group == kSchedGroup || HasProbeGroup(options, group)) resolved.probe_groups.emplace_back(group);
  }
  return resolved;
}

TargetOptions UniteTargetOptions(const TargetOptions& one, const TargetOptions& other) {
  TargetOptions united = one;
  united.spike_threshold_ns = std::min(one.spike_threshold_ns, other.spike_threshold_ns);
  united.sampling_interval_ns = std::min(one.sampling_interval_ns, other.sampling_interval_ns);
  united.blocked_threshold_ns = LowerOf(one.blocked_threshold_ns, other.blocked_threshold_ns);
  united.operation_threshold_ns = LowerOf(one.operation_threshold_ns, other.operation_threshold_ns);
  for (const std::string& group : other.probe_groups) {
    if (std::find(united.probe_groups.begin(), united.probe_groups.end(), group) == united.probe_groups.end()) {
      united.probe_groups.push_back(group);
    }
  }
  CounterWish counted = CounterWishOf(one);
  counted |= CounterWishOf(other);
  united.counter_events = std::move(counted.events);
  united.counter_interval_ns = counted.interval_ns;
  united.cache = one.cache || other.cache;
  united.numa = one.numa || other.numa;
  united.kernel_stacks = one.kernel_stacks || other.kernel_stacks;
  united.user_stacks = one.user_stacks || other.user_stacks;
  united.waker = one.waker || other.waker;
  united.follow_children = one.follow_children || other.follow_children;
  return united;
}

}  // namespace hftmon
