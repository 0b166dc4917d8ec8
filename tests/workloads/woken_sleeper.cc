// A thread that sleeps and is woken, --count times by each: a thread through a futex, another through a pipe, its own timer. Knows who woke
// it, and between which two moments. With --hog a real-time thread has the sleeper's CPU while the futex wakes it: it then waits for the
// rest of --hog-us.
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <ctime>
#include <thread>
#include <vector>

#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"
#include "tests/workloads/thread_counts.h"

namespace hftmon::workload {
namespace {

constexpr int64_t kSleepNs = 2'000'000;  // however late it fell asleep
constexpr int64_t kLookNs = 200'000;     // between two looks whether it sleeps
constexpr int64_t kHeadStartNs = 1'000'000;

enum Way { kFutex, kPipe, kTimer, kWays };
constexpr const char* kWayNames[kWays] = {"futex", "pipe", "timer"};

// One sleep. Written by the sleeper, but for `from_ns` and `until_ns`: by the waker, before the sleeper's next turn.
struct Sleep {
  Way way = kFutex;
  int64_t start_ns = 0;
  int64_t from_ns = 0;  // it was woken between these two
  int64_t until_ns = 0;
  int64_t back_ns = 0;
  int64_t hog_start_ns = 0;
  int64_t hog_end_ns = 0;
};

struct Shared {
  int cpu = 0;
  int64_t count = 0;
  int64_t hog_ns = 0;  // 0: no hog
  int pipe_ends[2] = {-1, -1};
  std::atomic<uint32_t> futex_word{0};
  std::atomic<int64_t> turn{-1};  // index of the sleep that begins; kWays a round
  std::atomic<int64_t> told{-1};  // index of the last sleep whose waker has written its moments
  std::atomic<int64_t> hogged{-1};
  std::atomic<bool> begin{false};
  std::atomic<pid_t> tids[4] = {0, 0, 0, 0};  // futex waker, pipe waker, sleeper, hog
  std::string refused;
  std::vector<Sleep> sleeps;
};

void Announce(std::atomic<pid_t>& tid) {
  tid.store(Tid(), std::memory_order_seq_cst);
  tid.notify_all();
}

void AwaitTurn(Shared& shared, int64_t index) {
  for (int64_t seen = shared.turn.load(std::memory_order_acquire); seen < index; seen = shared.turn.load(std::memory_order_acquire)) {
    shared.turn.wait(seen);
  }
}

// Until the sleeper sleeps, and that moment at least.
void AwaitSleep(Shared& shared, int64_t moment_ns) {
  SleepUntil(moment_ns);
  const pid_t sleeper = shared.tids[2].load(std::memory_order_seq_cst);
  for (;;) {
    const auto counts = ReadThreadCounts(getpid(), sleeper);
    if (!counts || counts->state == 'S') return;
    SleepUntil(NowNs() + kLookNs);
  }
}

// Each sleep of that way, by `wake(round)`; false ends it.
template <typename Wake>
void WakeEach(Shared& shared, Way way, Wake wake) {
  for (int64_t round = 0; round < shared.count; ++round) {
    const int64_t index = round * kWays + way;
    AwaitTurn(shared, index);
    Sleep& sleep = shared.sleeps[static_cast<size_t>(index)];
    AwaitSleep(shared, sleep.start_ns + kHeadStartNs);
    SleepUntil(NowNs() + kSleepNs);
    sleep.from_ns = NowNs();
    const bool woken = wake(round);
    sleep.until_ns = NowNs();
    if (!woken) return;
    shared.told.store(index, std::memory_order_release);
  }
}

void WakeByFutex(Shared& shared) {
  Name("futex_waker");
  if (OtherCpu(shared.cpu) >= 0) PinTo(OtherCpu(shared.cpu));
  Announce(shared.tids[0]);
  WakeEach(shared, kFutex, [&](int64_t round) {
    shared.futex_word.store(static_cast<uint32_t>(round + 1), std::memory_order_release);
    syscall(SYS_futex, &shared.futex_word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    return true;
  });
}

void WakeByPipe(Shared& shared) {
  Name("pipe_waker");
  if (OtherCpu(shared.cpu) >= 0) PinTo(OtherCpu(shared.cpu));
  Announce(shared.tids[1]);
  WakeEach(shared, kPipe, [&](int64_t) {
    const char byte = 1;
    return write(shared.pipe_ends[1], &byte, 1) == 1;
  });
}

void Hog(Shared& shared) {
  Name("hog");
  PinTo(shared.cpu);
  if (shared.hog_ns > 0) shared.refused = BecomeFifo(10);
  Announce(shared.tids[3]);
  if (shared.hog_ns == 0 || !shared.refused.empty()) return;
  for (int64_t round = 0; round < shared.count; ++round) {
    const int64_t index = round * kWays + kFutex;
    AwaitTurn(shared, index);
    Sleep& sleep = shared.sleeps[static_cast<size_t>(index)];
    AwaitSleep(shared, sleep.start_ns + kHeadStartNs);
    sleep.hog_start_ns = NowNs();
    SpinUntil(sleep.hog_start_ns + shared.hog_ns);
    sleep.hog_end_ns = NowNs();
    shared.hogged.store(index, std::memory_order_release);
  }
}

void SleepBy(Shared& shared, Way way, int64_t round) {
  char byte = 0;
  switch (way) {
    case kFutex:
      while (shared.futex_word.load(std::memory_order_acquire) != static_cast<uint32_t>(round + 1)) {
        syscall(SYS_futex, &shared.futex_word, FUTEX_WAIT_PRIVATE, static_cast<uint32_t>(round), nullptr, nullptr, 0);
      }
      return;
    case kPipe:
      if (read(shared.pipe_ends[0], &byte, 1) != 1) shared.refused = "the pipe is broken";
      return;
    default: {
      // From the call on: a thread that is kept from it sleeps no shorter.
      const uint32_t unchanged = 0;
      const timespec duration{0, kSleepNs};
      syscall(SYS_futex, &unchanged, FUTEX_WAIT_PRIVATE, 0, &duration, nullptr, 0);
    }
  }
}

void BeTheSleeper(Shared& shared) {
  Name("woken_sleeper");
  PinTo(shared.cpu);
  BecomeImportant();
  Announce(shared.tids[2]);
  shared.begin.wait(false);
  for (int64_t index = 0; index < shared.count * kWays; ++index) {
    Sleep& sleep = shared.sleeps[static_cast<size_t>(index)];
    sleep.way = static_cast<Way>(index % kWays);
    sleep.start_ns = NowNs();
    shared.turn.store(index, std::memory_order_release);
    shared.turn.notify_all();
    SleepBy(shared, sleep.way, index / kWays);
    sleep.back_ns = NowNs();
    // The waker is about to write its moments: it runs, on another CPU or when this thread's time is over.
    while (sleep.way != kTimer && shared.told.load(std::memory_order_acquire) < index) std::this_thread::yield();
    while (sleep.way == kFutex && shared.hog_ns > 0 && shared.hogged.load(std::memory_order_acquire) < index) std::this_thread::yield();
  }
}

nlohmann::json Describe(const Sleep& sleep) {
  return {{"way", kWayNames[sleep.way]},   {"start_ns", sleep.start_ns}, {"from_ns", sleep.from_ns},
          {"until_ns", sleep.until_ns},    {"back_ns", sleep.back_ns},   {"hog_start_ns", sleep.hog_start_ns},
          {"hog_end_ns", sleep.hog_end_ns}};
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"cpu", "count", "hog-us"}, {"interactive"});
  Shared shared;
  shared.cpu = ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20));
  shared.count = arguments.Number("count", 10, 1, 10'000);
  // With its pauses a hog has less than the 95 % of the CPU's time that the kernel lets real time have.
  shared.hog_ns = arguments.Number("hog-us", 0, 0, 20'000) * 1'000;
  shared.sleeps.resize(static_cast<size_t>(shared.count * kWays));
  if (pipe(shared.pipe_ends) != 0) return 3;
  LimitLifetime(120);

  Session session(arguments.Flag("interactive"));
  std::thread futex_waker(WakeByFutex, std::ref(shared));
  std::thread pipe_waker(WakeByPipe, std::ref(shared));
  std::thread hog(Hog, std::ref(shared));
  std::thread sleeper(BeTheSleeper, std::ref(shared));
  for (std::atomic<pid_t>& tid : shared.tids) tid.wait(0);
  const nlohmann::json about{{"futex_waker", shared.tids[0].load(std::memory_order_seq_cst)},
                             {"pipe_waker", shared.tids[1].load(std::memory_order_seq_cst)},
                             {"sleeper", shared.tids[2].load(std::memory_order_seq_cst)},
                             {"hog", shared.tids[3].load(std::memory_order_seq_cst)},
                             {"cpu", shared.cpu},
                             {"refused", shared.refused}};
  if (!shared.refused.empty()) shared.hog_ns = 0;
  session.Ready(about);
  shared.begin.store(true, std::memory_order_seq_cst);
  shared.begin.notify_all();
  futex_waker.join();
  pipe_waker.join();
  hog.join();
  sleeper.join();
  nlohmann::json result = about;
  result["workload"] = "woken_sleeper";
  result["sleeps"] = nlohmann::json::array();
  for (const Sleep& sleep : shared.sleeps) result["sleeps"].push_back(Describe(sleep));
  session.Result(result);
  return 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
