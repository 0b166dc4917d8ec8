#include "client/cli/target_flags.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "client/cli/option_values.h"

namespace hftmon {

void TargetFlags::Declare(CLI::App& verb) {
  verb.add_option("--threshold", threshold_,
                  "a wait for a CPU, a stretch of interrupts or, with --probes memory or kernel_locks, a page fault or wait in the kernel "
                  "longer than this is a spike (default: "
                  "the daemon's, 50us)");
  verb.add_option(
      "--operations", operations_,
      "an operation that it marks itself, or a gap between its heartbeats, longer than this is a spike too (default: adaptive)");
  verb.add_option("--blocked", blocked_, "sleeping or blocking longer than this is a spike too (default: never)");
  verb.add_option("--interval", interval_, "width of the buckets of its windows (default: the daemon's)");
  verb.add_option(
          "--probes", probe_groups_,
          "probe groups, a list: sched (always on), locks (what threads block in: about 0.2us for each wait of theirs), kernel_locks "
          "(locks of the kernel that they wait for), memory (their page faults, TLB flushes and reclaims), hardware (what hardware and "
          "hypervisor do to CPUs), network (the packets that they read, polls, drops), irq (work that interrupts put off), "
          "returns (how late they are back in their program from sleeps until a time). While any target asks for one of the last six, "
          "each contended kernel lock, each fault and flush, each tick and idle entry and exit, each packet, "
          "each softirq, work, interrupt and switch, or each system call (about 0.08us) of the whole host pays, `hftmon status` says "
          "how much; quiet mode refuses them")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  verb.add_option("--stacks", stacks_, "stacks of its waits above the thresholds: none, kernel, user or both (default: none)");
  verb.add_flag(
      "--waker", waker_,
      "who wakes its threads, in spikes and switches. While any target asks, each wake-up of the whole host costs about 0.11us more "
      "(of its threads 0.37us); attaching the program interrupts every CPU once, so quiet mode refuses it");
  verb.add_flag("--no-children", no_children_, "leave its children alone");
  verb.add_flag("--cache", cache_,
                "cycles, instructions, misses of caches and TLBs … of its threads too, as many as the processor counts at once");
  verb.add_option(
          "--counters", counter_events_,
          "events of its threads to count exactly, a list of at most 8: page-faults, r01cd, cpu/event=0xcd/, a vendor's name, "
          "l1d_misses. While any target counts, each switch of the host costs a test, and each of its threads' a read of each event; "
          "opening them interrupts every CPU, so quiet mode refuses it")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  verb.add_option("--counter-interval", counter_interval_, "between two readings that are told apart, 1us to 1s (default: 1ms)");
  verb.add_flag("--numa", numa_, "refused: `hftmon numa` tells of every target without it");
}

absl::StatusOr<v1::TargetOptions> TargetFlags::Options() const {
  v1::TargetOptions options;
  struct DurationFlag {
    const char* name;
    const std::string& text;
    const DurationRange& range;
    void (v1::TargetOptions::*set)(int64_t);
  };
  for (const DurationFlag& flag :
       {DurationFlag{"--threshold", threshold_, kThresholdRange, &v1::TargetOptions::set_spike_threshold_ns},
        DurationFlag{"--blocked", blocked_, kBlockedRange, &v1::TargetOptions::set_blocked_threshold_ns},
        DurationFlag{"--operations", operations_, kThresholdRange, &v1::TargetOptions::set_operation_threshold_ns},
        DurationFlag{"--counter-interval", counter_interval_, kCounterIntervalRange, &v1::TargetOptions::set_counter_interval_ns},
        DurationFlag{"--interval", interval_, kIntervalRange, &v1::TargetOptions::set_sampling_interval_ns}}) {
    if (flag.text.empty()) continue;
    const absl::StatusOr<int64_t> duration_ns = ParseDurationOption(flag.name, flag.text, flag.range);
    if (!duration_ns.ok()) return duration_ns.status();
    (options.*flag.set)(*duration_ns);
  }
  for (const std::string& group : SplitLists(probe_groups_)) options.add_probe_groups(group);
  for (const std::string& event : SplitEventLists(counter_events_)) options.add_counter_events(event);
  if (!stacks_.empty()) {
    const std::array<std::string_view, 4> choices = {"none", "kernel", "user", "both"};
    const auto choice = std::find(choices.begin(), choices.end(), stacks_);
    if (choice == choices.end()) return absl::InvalidArgumentError("--stacks " + stacks_ + ": use none, kernel, user or both");
    options.set_stacks(static_cast<v1::StackChoice>(choice - choices.begin()));
  }
  options.set_waker(waker_);
  if (no_children_) options.set_follow_children(false);
  options.set_cache(cache_);
  options.set_numa(numa_);
  return options;
}

}  // namespace hftmon
