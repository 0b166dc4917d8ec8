// A thread that makes the cheapest system call there is, over and over, and tells what one takes; with --sleeps a sleep until a time that
// is past, which takes no switch, and with --refused before each of these one until a time that is none. Interactive, each line "N" on
// stdin makes N calls and is answered with a result; an empty line ends.
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "tests/workloads/arguments.h"
#include "tests/workloads/duration_summary.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace hftmon::workload {
namespace {

constexpr int64_t kCallsMax = 100'000'000;
constexpr int64_t kCallsABatch = 1'000;  // timed together: a look at the clock takes longer than a call's difference

void Call(bool sleeps, bool refused) {
  const timespec past{1, 0}, none{1, 1'000'000'000};
  if (refused) syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &none, nullptr);
  if (sleeps) {
    syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &past, nullptr);
  } else {
    syscall(SYS_getppid);
  }
}

nlohmann::json Turn(int64_t calls, bool sleeps, bool refused) {
  std::vector<uint32_t> durations_ns;
  for (int64_t left = calls; left > 0; left -= kCallsABatch) {
    const int64_t start_ns = NowNs();
    for (int64_t i = 0; i < kCallsABatch; ++i) Call(sleeps, refused);
    durations_ns.push_back(static_cast<uint32_t>((NowNs() - start_ns) * 1'000 / kCallsABatch));
  }
  const nlohmann::json summary = SummaryOf(durations_ns);
  return {{"workload", "timed_calls"},
          {"pid", getpid()},
          {"events", calls},
          {"call_p50_ns", summary["p50_ns"].get<double>() / 1e3},
          {"call_middle_half_mean_ns", summary["middle_half_mean_ns"].get<double>() / 1e3}};
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"cpu", "calls"}, {"interactive", "sleeps", "refused"});
  PinTo(ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20)));
  BecomeImportant();
  LimitLifetime(900);
  const int64_t calls = arguments.Number("calls", 1'000'000, 1, kCallsMax);
  const bool sleeps = arguments.Flag("sleeps"), refused = arguments.Flag("refused");
  Session session(arguments.Flag("interactive"));
  if (!session.interactive()) {
    std::printf("%s\n", Turn(calls, sleeps, refused).dump().c_str());
    return 0;
  }
  std::printf("%s\n", nlohmann::json{{"ready", true}, {"pid", getpid()}}.dump().c_str());
  std::fflush(stdout);
  for (std::string line = session.Wait(); !line.empty(); line = session.Wait()) {
    std::printf("%s\n", Turn(std::clamp<int64_t>(std::atoll(line.c_str()), 1, kCallsMax), sleeps, refused).dump().c_str());
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
