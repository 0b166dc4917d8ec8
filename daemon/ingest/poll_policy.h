// PollPolicy: how eagerly the housekeeping loop looks into the rings. Passive data; the policies are these, and one for SCHED_FIFO.
#ifndef HFTMON_DAEMON_INGEST_POLL_POLICY_H_
#define HFTMON_DAEMON_INGEST_POLL_POLICY_H_

#include <cstdint>
#include <limits>
#include <string_view>

namespace hftmon {

// Between two looks of a loop that spins. Looking without a pause would keep pulling the rings' cache lines away from the CPUs that write
// them; a microsecond is still well below what a record's detection may take.
inline constexpr int64_t kSpinGapNs = 1'000;

struct PollPolicy {
  const char* name;
  int64_t spin_after_activity_ns;  // keeps looking for this long after the last record
  int64_t sleep_ns;                // then sleeps between looks: at first this long,
  int64_t sleep_max_ns;            // and at most this long, an eighth of the time since the last record
  int64_t work_max_ns = 0;         // sleeps sleep_ns after this long without a sleep, whatever there is to do; 0 = need not

  // Whether it keeps its CPU busy: nothing else should have to run there.
  constexpr bool owns_cpu() const { return spin_after_activity_ns > 4 * sleep_ns; }
  // Between two looks while nothing happens: the least and the most that is meant.
  constexpr int64_t gap_min_ns() const { return sleep_ns == 0 || spin_after_activity_ns > 0 ? kSpinGapNs : sleep_ns; }
  constexpr int64_t gap_max_ns() const { return sleep_max_ns == 0 ? kSpinGapNs : sleep_max_ns; }
};

// Never sleeps, never enters the kernel: one CPU of its own.
inline constexpr PollPolicy kLatencyPolicy{"latency", std::numeric_limits<int64_t>::max(), 0, 0};
// SCHED_FIFO that spins is throttled for 50 ms a second; 900 us of work and 60 us of sleep are not. A record that comes in the sleep, one
// in sixteen, is found up to 60 us late.
inline constexpr PollPolicy kFifoLatencyPolicy{"latency", std::numeric_limits<int64_t>::max(), 60'000, 60'000, 900'000};
// Bursts are followed at full speed; the first record after a pause is found up to a sleep later. Where nothing happens a look a
// millisecond is made: at one every 50 us the sleeps and their timers alone took a quarter of a virtual CPU.
// It spins for less than the usual threshold: where a watched thread shares the loop's CPU, following one spike must not make the next.
inline constexpr PollPolicy kBalancedPolicy{"balanced", 20'000, 50'000, 1'000'000};
// About half a percent of a core while nothing happens: a sleep and its timer cost 20 to 30 us on a virtual CPU.
inline constexpr PollPolicy kEconomyPolicy{"economy", 0, 5'000'000, 5'000'000};

// The policy of that name; nullptr when there is none.
constexpr const PollPolicy* FindPollPolicy(std::string_view name) {
  for (const PollPolicy* policy : {&kLatencyPolicy, &kBalancedPolicy, &kEconomyPolicy}) {
    if (name == policy->name) return policy;
  }
  return nullptr;
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_POLL_POLICY_H_
