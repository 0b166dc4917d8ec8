// A pinned thread that is busy for --busy-us of each --period-us, and asleep for the rest of it; without rest it spins. With --fifo it is
// real time, so that others get its CPU in its sleeps alone.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <string>
#include <thread>

#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace hftmon::workload {
namespace {

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"cpu", "busy-us", "period-us"}, {"interactive", "important", "fifo"});
  const int64_t period_ns = arguments.Number("period-us", 2'000, 10, 1'000'000) * 1'000;
  const int64_t busy_ns = std::min(arguments.Number("busy-us", 1'000, 1, 1'000'000) * 1'000, period_ns);
  const int cpu = ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20));
  LimitLifetime(120);
  const bool fifo = arguments.Flag("fifo");
  // The kernel throttles a real-time thread that takes more of a second, for as long as it likes.
  if (fifo && busy_ns > period_ns - period_ns / 20) {
    std::fprintf(stderr, "--fifo: leave a twentieth of --period-us to others\n");
    return 3;
  }
  std::atomic<bool> stop{false};
  std::string refused;
  std::atomic<pid_t> tid{0};
  const bool important = arguments.Flag("important");
  std::thread worker([&] {
    Name("duty_cycle");
    PinTo(cpu);
    if (important) BecomeImportant();
    if (fifo) refused = BecomeFifo(1);
    tid.store(Tid(), std::memory_order_seq_cst);
    tid.notify_all();
    for (int64_t begin_ns = NowNs(); !stop.load(std::memory_order_relaxed); begin_ns = std::max(begin_ns + period_ns, NowNs())) {
      if (begin_ns > NowNs()) SleepUntil(begin_ns);  // a sleep that is over at once is one too: others get the CPU
      SpinUntil(NowNs() + busy_ns);
    }
  });
  tid.wait(0, std::memory_order_seq_cst);
  Session session(arguments.Flag("interactive"));
  session.Ready({{"cpu", cpu}, {"tid", tid.load(std::memory_order_seq_cst)}, {"refused", refused}});
  stop.store(true, std::memory_order_relaxed);
  worker.join();
  session.Result({{"workload", "duty_cycle"}});
  return 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
