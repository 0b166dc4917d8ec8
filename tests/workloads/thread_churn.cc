// A process that holds --threads threads and replaces them at --rate a second: each second that many of the oldest end and as many begin.
// Each thread sleeps twice (so it has switched, in a life of any length), then waits for its end.
// Prints how many began and ended, and the context switches of those that ended as the kernel adds them up: at a thread's end, before its
// very last switch, which counts as voluntary and is therefore one more for each of them.
#include <linux/futex.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>

#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"
#include "tests/workloads/thread_counts.h"

namespace hftmon::workload {
namespace {

constexpr size_t kStackBytes = 64 << 10;
constexpr int64_t kSleepNs = 50'000;
constexpr int64_t kSettleNs = 200'000'000;

// A word of its own that is waited for in the kernel: std::atomic's wait shares its words with others, and each of thousands of waiters
// would be woken for each that is meant.
class Flag {
 public:
  void Set() {
    word_.store(1, std::memory_order_release);
    syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
  }
  void Await() {
    while (word_.load(std::memory_order_acquire) == 0) syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
  }

 private:
  std::atomic<uint32_t> word_{0};
};

struct Life {
  pthread_t thread{};
  Flag settled;
  Flag leave;
};

void* Live(void* argument) {
  Life& life = *static_cast<Life*>(argument);
  SleepUntil(NowNs() + kSleepNs);
  SleepUntil(NowNs() + kSleepNs);
  life.settled.Set();
  life.leave.Await();
  return nullptr;
}

class Churn {
 public:
  Churn() {
    pthread_attr_init(&attributes_);
    pthread_attr_setstacksize(&attributes_, kStackBytes);
  }
  ~Churn() { pthread_attr_destroy(&attributes_); }

  void Begin() {
    lives_.push_back(std::make_unique<Life>());
    if (const int error = pthread_create(&lives_.back()->thread, &attributes_, Live, lives_.back().get()); error != 0) {
      std::fprintf(stderr, "thread %zu cannot be made: %s: choose a smaller --threads\n", lives_.size(), std::strerror(error));
      std::exit(1);
    }
    ++begun_;
  }
  void EndOldest() {
    Life& life = *lives_.front();
    life.leave.Set();
    pthread_join(life.thread, nullptr);
    lives_.pop_front();
    ++ended_;
  }
  // Until every living thread waits for its end.
  void Settle() {
    for (const auto& life : lives_) life->settled.Await();
  }
  int64_t begun() const { return begun_; }
  int64_t ended() const { return ended_; }
  size_t alive() const { return lives_.size(); }

 private:
  pthread_attr_t attributes_{};
  std::deque<std::unique_ptr<Life>> lives_;  // oldest first
  int64_t begun_ = 0;
  int64_t ended_ = 0;
};

struct SwitchCounts {
  int64_t voluntary = 0;
  int64_t involuntary = 0;
  bool operator==(const SwitchCounts&) const = default;
};

SwitchCounts Usage(int who) {
  rusage usage{};
  getrusage(who, &usage);
  return {usage.ru_nvcsw, usage.ru_nivcsw};
}

// The whole process's less those of the threads that live. All but the caller are blocked.
SwitchCounts OfEnded() {
  SwitchCounts others;
  for (const ThreadCounts& thread : ReadProcessCounts(getpid())) {
    if (thread.tid == Tid()) continue;
    others.voluntary += static_cast<int64_t>(thread.voluntary_count);
    others.involuntary += static_cast<int64_t>(thread.involuntary_count);
  }
  for (;;) {
    const SwitchCounts own = Usage(RUSAGE_THREAD);
    const SwitchCounts all = Usage(RUSAGE_SELF);
    if (own != Usage(RUSAGE_THREAD)) continue;  // the caller was switched in between
    return {all.voluntary - others.voluntary - own.voluntary, all.involuntary - others.involuntary - own.involuntary};
  }
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"threads", "rate", "milliseconds", "cpu"}, {"interactive"});
  const int64_t threads = arguments.Number("threads", 5'000, 1, 30'000);
  const int64_t rate = arguments.Number("rate", 1'000, 1, 10'000);
  const int64_t duration_ns = arguments.Number("milliseconds", 5'000, 100, 600'000) * 1'000'000;
  LimitLifetime(300 + static_cast<unsigned>(duration_ns / 1'000'000'000));
  if (const int64_t cpu = arguments.Number("cpu", -1, 0, 1 << 20); cpu >= 0) PinTo(static_cast<int>(cpu));
  Name("thread_churn");

  Session session(arguments.Flag("interactive"));
  session.Ready({{"threads", threads}});
  Churn churn;
  const int64_t begin_ns = NowNs();
  const int64_t period_ns = 1'000'000'000 / rate;
  int64_t due_ns = begin_ns;
  while (NowNs() - begin_ns < duration_ns || churn.alive() < static_cast<size_t>(threads)) {
    // What the host held up is made up for, as far as it can be: the rate is that of the whole run.
    SleepUntil(due_ns);
    churn.Begin();
    if (churn.alive() > static_cast<size_t>(threads)) churn.EndOldest();
    due_ns += period_ns;
  }
  churn.Settle();
  const int64_t took_ns = NowNs() - begin_ns;
  SleepUntil(NowNs() + kSettleNs);  // from `settled` into the wait
  const SwitchCounts ended = OfEnded();
  session.Result({{"workload", "thread_churn"},
                  {"begun", churn.begun()},
                  {"ended", churn.ended()},
                  {"alive", churn.alive()},
                  {"ended_voluntary", ended.voluntary},
                  {"ended_involuntary", ended.involuntary},
                  {"took_ns", took_ns}});
  while (churn.alive() > 0) churn.EndOldest();
  return 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
