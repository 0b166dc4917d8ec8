// Two threads that are stuck until they are let go, and know since when and until when: `reader` in a read of an empty pipe, `waiter` in a
// mutex that `holder` holds, itself blocked in a read. Act: they get stuck, and it says so. Then, at the next line: they are let go.
#include <pthread.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <thread>

#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace hftmon::workload {
namespace {

struct Stuck {
  std::atomic<pid_t> tid{0};
  std::atomic<int64_t> begin_ns{0};  // just before it got stuck
  int64_t end_ns = 0;                // just after
};

struct Stage {
  int cpu = 0;
  std::array<int, 2> of_reader{};
  std::array<int, 2> of_holder{};
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  std::atomic<bool> begin{false};
  Stuck reader;
  Stuck waiter;
  Stuck holder;
};

// Named, on its CPU, and begun.
void Prepare(Stage& stage, Stuck& self, const char* name) {
  Name(name);
  PinTo(stage.cpu);
  self.tid.store(Tid(), std::memory_order_seq_cst);
  self.tid.notify_all();
  stage.begin.wait(false);
}

void ReadOne(Stuck& self, int fd) {
  char byte = 0;
  self.begin_ns.store(NowNs(), std::memory_order_seq_cst);
  if (read(fd, &byte, 1) != 1) std::abort();
  self.end_ns = NowNs();
}

void ReadUntilTold(Stage& stage) {
  Prepare(stage, stage.reader, "stuck_reader");
  ReadOne(stage.reader, stage.of_reader[0]);
}

void Hold(Stage& stage) {
  Prepare(stage, stage.holder, "stuck_holder");
  pthread_mutex_lock(&stage.mutex);
  ReadOne(stage.holder, stage.of_holder[0]);
  pthread_mutex_unlock(&stage.mutex);
}

void WaitForMutex(Stage& stage) {
  Prepare(stage, stage.waiter, "stuck_waiter");
  // The holder sleeps by then: what it does is asked for as the waiter falls asleep.
  while (stage.holder.begin_ns.load(std::memory_order_seq_cst) == 0) SleepUntil(NowNs() + 1'000'000);
  SleepUntil(NowNs() + 20'000'000);
  stage.waiter.begin_ns.store(NowNs(), std::memory_order_seq_cst);
  pthread_mutex_lock(&stage.mutex);
  stage.waiter.end_ns = NowNs();
  pthread_mutex_unlock(&stage.mutex);
}

nlohmann::json Truth(const Stuck& stuck) {
  return {{"tid", stuck.tid.load(std::memory_order_seq_cst)},
          {"begin_ns", stuck.begin_ns.load(std::memory_order_seq_cst)},
          {"end_ns", stuck.end_ns}};
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"cpu"}, {"interactive"});
  Stage stage;
  stage.cpu = ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20));
  LimitLifetime(120);
  if (pipe(stage.of_reader.data()) != 0 || pipe(stage.of_holder.data()) != 0) return 3;
  std::array<std::thread, 3> threads = {std::thread([&] { ReadUntilTold(stage); }), std::thread([&] { Hold(stage); }),
                                        std::thread([&] { WaitForMutex(stage); })};
  for (Stuck* stuck : {&stage.reader, &stage.holder, &stage.waiter}) stuck->tid.wait(0);

  Session session(arguments.Flag("interactive"));
  const auto tid = [](const Stuck& stuck) { return stuck.tid.load(std::memory_order_seq_cst); };
  session.Ready({{"reader", tid(stage.reader)}, {"waiter", tid(stage.waiter)}, {"holder", tid(stage.holder)}});
  stage.begin.store(true, std::memory_order_seq_cst);
  stage.begin.notify_all();
  for (const Stuck* stuck : {&stage.reader, &stage.holder, &stage.waiter}) {
    while (stuck->begin_ns.load(std::memory_order_seq_cst) == 0) SleepUntil(NowNs() + 1'000'000);
  }
  session.Result({{"workload", "stuck"}, {"fd", stage.of_reader[0]}});
  if (write(stage.of_reader[1], "x", 1) != 1 || write(stage.of_holder[1], "x", 1) != 1) return 3;
  for (std::thread& thread : threads) thread.join();
  session.Result({{"reader", Truth(stage.reader)}, {"waiter", Truth(stage.waiter)}, {"holder", Truth(stage.holder)}});
  return 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
