// One thread that sleeps until times that it gives, --period-us apart, --count of them, and measures how late it is in its program again.
//
// The times are of CLOCK_MONOTONIC, evenly spaced; with --clock realtime of the other clock, whose times nobody may take for these. Every
// --late-every one it asks for a time that is past. A signal ends every --interrupt-every one (0: none). What it measured is of the sleeps
// that a time ended: `late_ns`, ascending.
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <vector>

#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace hftmon::workload {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

void Ignore(int) {}

// A SIGALRM at the middle of the next period.
void AlarmWithin(int64_t period_ns) {
  const auto half_us = static_cast<suseconds_t>(period_ns / 2'000);
  const itimerval timer{.it_interval = {}, .it_value = {half_us / 1'000'000, half_us % 1'000'000}};
  setitimer(ITIMER_REAL, &timer, nullptr);
}

int64_t Now(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec * kSecondNs + now.tv_nsec;
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"cpu", "count", "period-us", "clock", "late-every", "interrupt-every"}, {"interactive"});
  const int cpu = ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20));
  const int64_t count = arguments.Number("count", 1'000, 1, 100'000);
  const int64_t period_ns = arguments.Number("period-us", 1'000, 50, 1'000'000) * 1'000;
  const int64_t late_every = arguments.Number("late-every", 0, 0, 100'000);
  const int64_t interrupt_every = arguments.Number("interrupt-every", 0, 0, 100'000);
  const clockid_t clock = arguments.Text("clock", "monotonic") == "realtime" ? CLOCK_REALTIME : CLOCK_MONOTONIC;
  LimitLifetime(60 + static_cast<unsigned>(count * period_ns / kSecondNs));
  Name("punctual");
  PinTo(cpu);
  BecomeImportant();
  struct sigaction ignore = {};
  ignore.sa_handler = Ignore;
  sigaction(SIGALRM, &ignore, nullptr);

  Session session(arguments.Flag("interactive"));
  session.Ready({{"tid", Tid()}, {"cpu", cpu}});
  std::vector<int64_t> late_ns;
  late_ns.reserve(static_cast<size_t>(count));
  int64_t interrupted_count = 0;
  int64_t at_ns = Now(clock);
  for (int64_t i = 1; i <= count; ++i) {
    const bool past = late_every > 0 && i % late_every == 0;
    if (!past) at_ns += period_ns;
    if (interrupt_every > 0 && i % interrupt_every == 0) AlarmWithin(period_ns);
    const timespec time{at_ns / kSecondNs, at_ns % kSecondNs};
    const int failed = clock_nanosleep(clock, TIMER_ABSTIME, &time, nullptr);
    const int64_t now_ns = Now(clock);
    if (failed == 0) late_ns.push_back(now_ns - at_ns);
    interrupted_count += failed == EINTR ? 1 : 0;
  }
  std::sort(late_ns.begin(), late_ns.end());
  session.Result({{"workload", "punctual"}, {"tid", Tid()}, {"late_ns", late_ns}, {"interrupted_count", interrupted_count}});
  return 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
