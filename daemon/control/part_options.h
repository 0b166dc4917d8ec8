// PartOptions: what a part asked for, and what that is with the defaults of now: a default that changes while the daemon runs reaches those
// that left an option to it, and only those. Not thread-safe: the registry's mutex guards it.
#ifndef HFTMON_DAEMON_CONTROL_PART_OPTIONS_H_
#define HFTMON_DAEMON_CONTROL_PART_OPTIONS_H_

#include "daemon/control/option_wish.h"
#include "daemon/control/target_options.h"
#include "daemon/control/targets.h"

namespace hftmon {

class PartOptions {
 public:
  PartOptions(const TargetOptions& asked, const TargetDefaults& defaults) : resolved_(ResolveTargetOptions(asked, defaults)) {
    spike_threshold_.Add(asked.spike_threshold_ns);
    sampling_interval_.Add(asked.sampling_interval_ns);
  }

  // The same part is asked for again: it wants both.
  void Add(const PartOptions& other) {
    spike_threshold_.Add(other.spike_threshold_);
    sampling_interval_.Add(other.sampling_interval_);
    resolved_ = UniteTargetOptions(resolved_, other.resolved_);
  }

  // Replaces what was asked before by what the update names.
  void Update(const TargetUpdate& update, const TargetDefaults& defaults) {
    TargetOptions options = resolved_;
    options.spike_threshold_ns = update.spike_threshold_ns.value_or(options.spike_threshold_ns);
    options.blocked_threshold_ns = update.blocked_threshold_ns.value_or(options.blocked_threshold_ns);
    options.sampling_interval_ns = update.sampling_interval_ns.value_or(options.sampling_interval_ns);
    options.follow_children = update.follow_children.value_or(options.follow_children);
    options.kernel_stacks = update.kernel_stacks.value_or(options.kernel_stacks);
    options.user_stacks = update.user_stacks.value_or(options.user_stacks);
    options.waker = update.waker.value_or(options.waker);
    options.operation_threshold_ns = update.operation_threshold_ns.value_or(options.operation_threshold_ns);
    if (update.probe_groups) options.probe_groups = *update.probe_groups;
    options.cache = update.cache.value_or(options.cache);
    if (update.counter_events) options.counter_events = *update.counter_events;
    options.counter_interval_ns = Counts(options) ? update.counter_interval_ns.value_or(options.counter_interval_ns) : 0;
    resolved_ = ResolveTargetOptions(options, defaults);
    if (update.spike_threshold_ns) (spike_threshold_ = {}).Add(*update.spike_threshold_ns);
    if (update.sampling_interval_ns) (sampling_interval_ = {}).Add(*update.sampling_interval_ns);
  }

  void SetDefaults(const TargetDefaults& defaults) {
    resolved_.spike_threshold_ns = spike_threshold_.Resolve(defaults.spike_threshold_ns);
    resolved_.sampling_interval_ns = sampling_interval_.Resolve(defaults.sampling_interval_ns);
  }

  const TargetOptions& resolved() const { return resolved_; }

 private:
  OptionWish spike_threshold_;
  OptionWish sampling_interval_;
  TargetOptions resolved_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_PART_OPTIONS_H_
