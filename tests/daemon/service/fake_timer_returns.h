// FakeTimerReturns: returns from sleeps as a test writes them; the window is not looked at.
#ifndef HFTMON_TESTS_DAEMON_SERVICE_FAKE_TIMER_RETURNS_H_
#define HFTMON_TESTS_DAEMON_SERVICE_FAKE_TIMER_RETURNS_H_

#include <string>
#include <vector>

#include "daemon/service/timer_returns.h"

namespace hftmon {

class FakeTimerReturns : public TimerReturns {
 public:
  std::string refusal() const override { return refused; }
  bool collecting() const override { return attached; }
  KeptReturns Between(int64_t, int64_t) const override { return {returns, since_mono_ns}; }

  // Set before the server asks.
  std::vector<TimerReturn> returns;
  int64_t since_mono_ns = 0;
  bool attached = true;
  std::string refused;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_SERVICE_FAKE_TIMER_RETURNS_H_
