// Two threads and a lock: --count times the holder takes it for --hold-us and the waiter asks for it meanwhile. Knows who held it, from
// when to when, what the holder did (--holder running or sleeping), and where the lock stands.
#include <pthread.h>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace hftmon::workload {
namespace {

constexpr int64_t kPauseNs = 2'000'000;  // between two turns

// One turn. `hold_*` are the holder's, the rest the waiter's.
struct Turn {
  int64_t hold_start_ns = 0;
  int64_t hold_end_ns = 0;  // just before it lets go
  int64_t ask_ns = 0;
  int64_t got_ns = 0;
};

struct Shared {
  pthread_mutex_t mutex;
  int cpu = 0;
  int64_t hold_ns = 0;
  bool sleeps = false;
  std::atomic<pid_t> holder{0};
  std::atomic<pid_t> waiter{0};
  std::atomic<bool> begin{false};
  std::atomic<int64_t> held{-1};  // turn in which the holder has the lock
  std::atomic<int64_t> got{-1};   // turn that the waiter is done with
  std::atomic<int> done{0};       // threads that are
  std::atomic<bool> end{false};   // the test has read their counts
  std::vector<Turn> turns;
};

bool MakeMutex(const std::string& kind, pthread_mutex_t* mutex) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  if (kind == "pi") pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
  if (kind == "robust") pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  const bool made = (kind == "plain" || kind == "pi" || kind == "robust") && pthread_mutex_init(mutex, &attributes) == 0;
  pthread_mutexattr_destroy(&attributes);
  return made;
}

void AwaitEnd(Shared& shared) {
  shared.done.fetch_add(1, std::memory_order_seq_cst);
  shared.done.notify_all();
  shared.end.wait(false);
}

void Hold(Shared& shared) {
  Name("lock_holder");
  if (OtherCpu(shared.cpu) >= 0) PinTo(OtherCpu(shared.cpu));
  shared.holder.store(Tid(), std::memory_order_seq_cst);
  shared.holder.notify_all();
  shared.begin.wait(false);
  for (size_t i = 0; i < shared.turns.size(); ++i) {
    Turn& turn = shared.turns[i];
    pthread_mutex_lock(&shared.mutex);
    turn.hold_start_ns = NowNs();
    shared.held.store(static_cast<int64_t>(i), std::memory_order_release);
    if (shared.sleeps) {
      SleepUntil(turn.hold_start_ns + shared.hold_ns);
    } else {
      SpinUntil(turn.hold_start_ns + shared.hold_ns);
    }
    turn.hold_end_ns = NowNs();
    pthread_mutex_unlock(&shared.mutex);
    while (shared.got.load(std::memory_order_acquire) < static_cast<int64_t>(i)) SleepUntil(NowNs() + kPauseNs);
  }
  AwaitEnd(shared);
}

void Ask(Shared& shared) {
  Name("lock_waiter");
  PinTo(shared.cpu);
  BecomeImportant();
  shared.waiter.store(Tid(), std::memory_order_seq_cst);
  shared.waiter.notify_all();
  shared.begin.wait(false);
  for (size_t i = 0; i < shared.turns.size(); ++i) {
    Turn& turn = shared.turns[i];
    // Asleep meanwhile: it would else have the CPU of a holder that has no other.
    while (shared.held.load(std::memory_order_acquire) < static_cast<int64_t>(i)) SleepUntil(NowNs() + 100'000);
    // The holder is asleep by now, if it means to.
    SleepUntil(NowNs() + shared.hold_ns / 10);
    turn.ask_ns = NowNs();
    pthread_mutex_lock(&shared.mutex);
    turn.got_ns = NowNs();
    pthread_mutex_unlock(&shared.mutex);
    shared.got.store(static_cast<int64_t>(i), std::memory_order_release);
    SleepUntil(NowNs() + kPauseNs);
  }
  AwaitEnd(shared);
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"cpu", "count", "hold-us", "kind", "holder"}, {"interactive"});
  Shared shared;
  shared.cpu = ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20));
  shared.hold_ns = arguments.Number("hold-us", 5'000, 100, 100'000) * 1'000;
  shared.turns.resize(static_cast<size_t>(arguments.Number("count", 20, 1, 10'000)));
  shared.sleeps = arguments.Text("holder", "running") == "sleeping";
  if (!MakeMutex(arguments.Text("kind", "plain"), &shared.mutex)) {
    std::fprintf(stderr, "lock_waiter: --kind is plain, pi or robust\n");
    return 3;
  }
  LimitLifetime(120);

  Session session(arguments.Flag("interactive"));
  std::thread holder(Hold, std::ref(shared));
  std::thread waiter(Ask, std::ref(shared));
  shared.holder.wait(0);
  shared.waiter.wait(0);
  const nlohmann::json about{{"holder", shared.holder.load(std::memory_order_seq_cst)},
                             {"waiter", shared.waiter.load(std::memory_order_seq_cst)},
                             {"address", reinterpret_cast<uintptr_t>(&shared.mutex)},
                             {"two_cpus", OtherCpu(shared.cpu) >= 0}};
  session.Ready(about);
  shared.begin.store(true, std::memory_order_seq_cst);
  shared.begin.notify_all();
  for (int done = 0; (done = shared.done.load(std::memory_order_seq_cst)) < 2;) shared.done.wait(done);
  nlohmann::json result = about;
  result["workload"] = "lock_waiter";
  result["turns"] = nlohmann::json::array();
  for (const Turn& turn : shared.turns) {
    result["turns"].push_back(
        {{"hold_start_ns", turn.hold_start_ns}, {"hold_end_ns", turn.hold_end_ns}, {"ask_ns", turn.ask_ns}, {"got_ns", turn.got_ns}});
  }
  session.Result(result);
  shared.end.store(true, std::memory_order_seq_cst);
  shared.end.notify_all();
  holder.join();
  waiter.join();
  return 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
