// TimerReturns: the seam through which the service reads when threads were back from sleeps until a time, as the programs keep it.
//
// Implemented by whoever owns the memory, faked in tests. Any thread; reads mapped memory, never blocks the housekeeping thread.
#ifndef HFTMON_DAEMON_SERVICE_TIMER_RETURNS_H_
#define HFTMON_DAEMON_SERVICE_TIMER_RETURNS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace hftmon {

enum class SleepEnd : uint8_t {
  kTime,      // the time came
  kSignal,    // a signal came first
  kTimeLost,  // the time came, and which one it was could not be read any more
};

// One return from clock_nanosleep until a time of CLOCK_MONOTONIC, the host's: with a lateness where `end` is kTime.
struct TimerReturn {
  uint32_t tid = 0;
  int64_t start_ns = 0;  // of the thread, as in its ThreadKey
  int64_t wake_at_mono_ns = 0;
  int64_t mono_ns = 0;  // it returned
  SleepEnd end = SleepEnd::kTime;
};

struct KeptReturns {
  std::vector<TimerReturn> returns;  // in no order
  int64_t since_mono_ns = 0;         // from here on none is missing
};

class TimerReturns {
 public:
  virtual ~TimerReturns() = default;
  // Why this host has none; empty: it has.
  virtual std::string refusal() const = 0;
  // Whether the program is attached now.
  virtual bool collecting() const = 0;
  // Those from `begin_mono_ns` to `end_mono_ns`, of all threads that ask, as far as they are kept.
  virtual KeptReturns Between(int64_t begin_mono_ns, int64_t end_mono_ns) const = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_TIMER_RETURNS_H_
