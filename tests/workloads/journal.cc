// A worker that spins on one CPU and is kept from it, by turns, in two ways: a SCHED_FIFO thread takes the CPU for --stall-us, and it
// sleeps for as long. Both are written down by who did them, and in the midst of each, and of the quiet between, somebody who runs reads
// four clocks at once: the times of a log with whose stalls they belong together. The worker is SCHED_FIFO itself, below the other, so that
// no unrelated process takes part.
#include <atomic>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

#include "client/marker/hftmon_marker.h"
#include "tests/workloads/arguments.h"
#include "tests/workloads/gap_recorder.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace hftmon::workload {
namespace {

constexpr int64_t kReadWithinNs = 3'000;
constexpr int kReadingsMax = 200;

// One moment by four clocks.
struct Moment {
  int64_t mono_ns = 0;
  int64_t realtime_ns = 0;
  int64_t tai_ns = 0;
  uint64_t tsc = 0;
};

int64_t ReadNs(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

// Of several readings the first within which nothing came between.
Moment ReadMoment() {
  Moment moment;
  for (int i = 0; i < kReadingsMax; ++i) {
    moment.mono_ns = NowNs();
    moment.tsc = hftmon_marker_tsc();
    moment.realtime_ns = ReadNs(CLOCK_REALTIME);
    moment.tai_ns = ReadNs(CLOCK_TAI);
    if (NowNs() - moment.mono_ns < kReadWithinNs) break;
  }
  return moment;
}

struct Act {
  std::string kind;  // preempted, slept, quiet
  int64_t start_ns = 0;
  int64_t end_ns = 0;
  Moment moment;  // between
};

struct Shared {
  int cpu = 0;
  int64_t stall_ns = 0;
  std::atomic<pid_t> worker_tid{0};
  std::atomic<pid_t> bully_tid{0};  // -1: refused
  std::atomic<bool> begin{false};
  std::atomic<bool> done{false};
  std::atomic<bool> finished{false};
  std::atomic<bool> leave{false};
  std::atomic<int64_t> sleep_until_ns{0};   // asked of the worker
  std::atomic<int64_t> asleep_since_ns{0};  // it is about to
  std::atomic<int64_t> awake_since_ns{0};   // it was
  std::atomic<int64_t> preempt_at_ns{0};    // asked of the bully; -1: no more
  std::atomic<bool> preempted{false};       // done
  std::string refused;
  Act preemption;  // the bully's, until `preempted`
  std::vector<Gap> gaps;
};

void Work(Shared& shared) {
  Name("worker");
  PinTo(shared.cpu);
  BecomeImportant();
  BecomeFifo(1);
  shared.worker_tid.store(Tid(), std::memory_order_seq_cst);
  shared.worker_tid.notify_all();
  shared.begin.wait(false);
  GapRecorder gaps(20'000);
  while (!shared.done.load(std::memory_order_relaxed)) {
    if (const int64_t until_ns = shared.sleep_until_ns.exchange(0, std::memory_order_acq_rel); until_ns != 0) {
      shared.asleep_since_ns.store(NowNs(), std::memory_order_release);
      SleepUntil(until_ns);
      shared.awake_since_ns.store(NowNs(), std::memory_order_release);
      gaps.Forget();
    }
    gaps.Tick();
  }
  shared.gaps = gaps.gaps();
  shared.finished.store(true, std::memory_order_seq_cst);
  shared.finished.notify_all();
  shared.leave.wait(false);
}

void Bully(Shared& shared) {
  Name("fifo_bully");
  PinTo(shared.cpu);
  shared.refused = BecomeFifo(10);
  shared.bully_tid.store(shared.refused.empty() ? Tid() : -1, std::memory_order_seq_cst);
  shared.bully_tid.notify_all();
  if (!shared.refused.empty()) return;
  while (true) {
    shared.preempt_at_ns.wait(0);
    const int64_t at_ns = shared.preempt_at_ns.exchange(0, std::memory_order_acq_rel);
    if (at_ns < 0) break;
    SleepUntil(at_ns);
    Act act{.kind = "preempted", .start_ns = NowNs()};
    SpinUntil(act.start_ns + shared.stall_ns / 2);
    act.moment = ReadMoment();
    SpinUntil(act.start_ns + shared.stall_ns);
    act.end_ns = NowNs();
    shared.preemption = act;
    shared.preempted.store(true, std::memory_order_release);
  }
  shared.leave.wait(false);
}

Act Preempt(Shared& shared) {
  shared.preempted.store(false, std::memory_order_seq_cst);
  shared.preempt_at_ns.store(NowNs() + 1'000'000, std::memory_order_seq_cst);
  shared.preempt_at_ns.notify_all();
  while (!shared.preempted.load(std::memory_order_acquire)) SleepUntil(NowNs() + 200'000);
  return shared.preemption;
}

Act LetSleep(Shared& shared) {
  shared.asleep_since_ns.store(0, std::memory_order_seq_cst);
  shared.awake_since_ns.store(0, std::memory_order_seq_cst);
  shared.sleep_until_ns.store(NowNs() + shared.stall_ns, std::memory_order_seq_cst);
  while (shared.asleep_since_ns.load(std::memory_order_acquire) == 0) {
  }
  Act act{.kind = "slept", .start_ns = shared.asleep_since_ns.load(std::memory_order_acquire)};
  SleepUntil(act.start_ns + shared.stall_ns / 2);
  act.moment = ReadMoment();
  while (shared.awake_since_ns.load(std::memory_order_acquire) == 0) SleepUntil(NowNs() + 200'000);
  act.end_ns = shared.awake_since_ns.load(std::memory_order_acquire);
  return act;
}

Act KeepQuiet(const Shared& shared) {
  Act act{.kind = "quiet", .start_ns = NowNs()};
  SleepUntil(act.start_ns + 2 * shared.stall_ns);
  act.moment = ReadMoment();
  act.end_ns = NowNs();
  return act;
}

nlohmann::json Describe(const Act& act) {
  return {{"kind", act.kind},
          {"start_ns", act.start_ns},
          {"end_ns", act.end_ns},
          {"mono_ns", act.moment.mono_ns},
          {"realtime_ns", act.moment.realtime_ns},
          {"tai_ns", act.moment.tai_ns},
          {"tsc", act.moment.tsc}};
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"cpu", "count", "stall-us"}, {"interactive"});
  Shared shared;
  shared.cpu = ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20));
  const int64_t count = arguments.Number("count", 12, 1, 40);
  shared.stall_ns = arguments.Number("stall-us", 3'000, 200, 10'000) * 1'000;
  LimitLifetime(60);
  Session session(arguments.Flag("interactive"));
  const int other_cpu = OtherCpu(shared.cpu);
  std::thread worker(Work, std::ref(shared));
  std::thread bully(Bully, std::ref(shared));
  if (other_cpu >= 0) PinTo(other_cpu);
  BecomeImportant();
  shared.worker_tid.wait(0);
  shared.bully_tid.wait(0);
  std::string refused = shared.refused;
  if (refused.empty() && other_cpu < 0)
    refused = "who reads the clocks while the worker sleeps needs another CPU: this process may use only one";
  session.Ready({{"worker_tid", shared.worker_tid.load(std::memory_order_seq_cst)},
                 {"bully_tid", shared.bully_tid.load(std::memory_order_seq_cst)},
                 {"cpu", shared.cpu},
                 {"refused", refused}});
  const int64_t begin_ns = NowNs();
  shared.begin.store(true, std::memory_order_seq_cst);
  shared.begin.notify_all();
  nlohmann::json acts = nlohmann::json::array();
  for (int64_t i = 0; refused.empty() && i < count; ++i) {
    for (Act (*act)(Shared&) : {&Preempt, &LetSleep}) {
      acts.push_back(Describe(KeepQuiet(shared)));
      acts.push_back(Describe(act(shared)));
    }
  }
  shared.done.store(true, std::memory_order_seq_cst);
  shared.preempt_at_ns.store(-1, std::memory_order_seq_cst);
  shared.preempt_at_ns.notify_all();
  shared.finished.wait(false);
  const int64_t end_ns = NowNs();
  nlohmann::json gaps = nlohmann::json::array();
  for (const Gap& gap : shared.gaps) gaps.push_back({gap.start_ns, gap.end_ns});
  session.Result({{"workload", "journal"},
                  {"worker_tid", shared.worker_tid.load(std::memory_order_seq_cst)},
                  {"bully_tid", shared.bully_tid.load(std::memory_order_seq_cst)},
                  {"cpu", shared.cpu},
                  {"begin_ns", begin_ns},
                  {"end_ns", end_ns},
                  {"acts", acts},
                  {"gaps", gaps}});
  shared.leave.store(true, std::memory_order_seq_cst);
  shared.leave.notify_all();
  worker.join();
  bully.join();
  return 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
