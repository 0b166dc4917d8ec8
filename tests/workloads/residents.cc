// Two threads at home on each CPU from --first-cpu to --last-cpu. All wake at the same moments and spin for a while, so that at each home
// one waits for the other. Before it sleeps, each asks to be at home again: while its CPU is offline it runs where the kernel puts it, and
// returns with the CPU.
//
// Interactive, a line parks all threads, and the result says what each has done; the next line lets them go on, an empty one ends.
#include <pthread.h>
#include <sched.h>

#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <semaphore>
#include <thread>
#include <vector>

#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"
#include "tests/workloads/thread_counts.h"

#include <unistd.h>

namespace hftmon::workload {
namespace {

struct Village {
  int64_t period_ns = 0;
  int64_t spin_ns = 0;
  std::atomic<bool> parked{true};
  std::atomic<bool> closed{false};
};

struct Resident {
  int home = 0;
  std::atomic<pid_t> tid{0};
  std::binary_semaphore arrived{0};  // it is parked
  std::binary_semaphore go{0};
  int64_t turn_count = 0;  // the following are read while it is parked
  int64_t turns_at_home = 0;
};

// False while the CPU is offline: the thread stays where it is.
bool AskFor(int cpu) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  CPU_SET(static_cast<size_t>(cpu), &mask);
  return sched_setaffinity(0, sizeof(mask), &mask) == 0;
}

void Reside(Resident& self, const Village& village) {
  Name("resident_" + std::to_string(self.home));
  self.tid.store(Tid(), std::memory_order_seq_cst);
  self.tid.notify_all();
  AskFor(self.home);
  for (;;) {
    // Relaxed: whoever sees it late makes one turn more.
    if (village.parked.load(std::memory_order_relaxed)) {
      self.arrived.release();
      self.go.acquire();
      if (village.closed.load(std::memory_order_acquire)) return;
    }
    if (sched_getcpu() != self.home) AskFor(self.home);
    SleepUntil((NowNs() / village.period_ns + 1) * village.period_ns);
    SpinUntil(NowNs() + village.spin_ns);
    ++self.turn_count;
    self.turns_at_home += sched_getcpu() == self.home;
  }
}

nlohmann::json Describe(const std::deque<Resident>& residents) {
  nlohmann::json threads = nlohmann::json::array();
  for (const Resident& resident : residents) {
    threads.push_back({{"tid", resident.tid.load(std::memory_order_seq_cst)},
                       {"home", resident.home},
                       {"turn_count", resident.turn_count},
                       {"turns_at_home", resident.turns_at_home}});
  }
  return {{"workload", "residents"}, {"threads", threads}};
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"first-cpu", "last-cpu", "period-us", "spin-us"}, {"interactive"});
  const auto first = static_cast<int>(arguments.Number("first-cpu", 0, 0, CPU_SETSIZE - 1));
  const auto last = static_cast<int>(arguments.Number("last-cpu", first, first, CPU_SETSIZE - 1));
  Village village;
  village.period_ns = arguments.Number("period-us", 50'000, 1'000, 1'000'000) * 1'000;
  village.spin_ns = arguments.Number("spin-us", 5'000, 10, 500'000) * 1'000;
  LimitLifetime(3'600);

  Session session(arguments.Flag("interactive"));
  std::deque<Resident> residents;
  for (int cpu = first; cpu <= last; ++cpu) {
    for (int i = 0; i < 2; ++i) residents.emplace_back().home = cpu;
  }
  std::vector<std::thread> threads;
  for (Resident& resident : residents) threads.emplace_back(Reside, std::ref(resident), std::cref(village));
  for (Resident& resident : residents) {
    resident.tid.wait(0);
    resident.arrived.acquire();
  }
  session.Ready(Describe(residents));
  bool goes_on = true;
  while (goes_on) {
    village.parked.store(false, std::memory_order_relaxed);
    for (Resident& resident : residents) resident.go.release();
    session.Wait();  // alone it returns at once: one turn
    village.parked.store(true, std::memory_order_relaxed);
    for (Resident& resident : residents) resident.arrived.acquire();
    goes_on = !session.Result(Describe(residents)).empty();
  }
  village.closed.store(true, std::memory_order_release);
  for (Resident& resident : residents) resident.go.release();
  for (std::thread& thread : threads) thread.join();
  return 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
