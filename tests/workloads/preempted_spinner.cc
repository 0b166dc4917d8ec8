// A spinning thread and a SCHED_FIFO thread that share one CPU. The FIFO thread wakes --count times and measures how long it kept the CPU;
// the spinner measures the gaps in its own time. The wait that the scheduler knows (switch-out to switch-in) lies between the two: the FIFO
// thread runs strictly inside it, and it lies strictly inside the spinner's gap. Both are printed.
// With --shield the spinner is SCHED_FIFO too, below the other: on a busy host no unrelated process then takes part in its waits.
#include <atomic>
#include <cstdio>
#include <thread>

#include "tests/workloads/arguments.h"
#include "tests/workloads/gap_recorder.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace hftmon::workload {
namespace {

struct Plan {
  int cpu = 0;
  int64_t count = 0;
  int64_t duration_ns = 0;
  int64_t period_ns = 0;
  bool shield = false;
};

struct Preemption {
  int64_t start_ns = 0;
  int64_t end_ns = 0;
};

struct Shared {
  std::atomic<pid_t> spinner_tid{0};
  std::atomic<pid_t> fifo_tid{0};  // -1 when SCHED_FIFO is refused
  std::atomic<bool> begin{false};
  std::atomic<bool> done{false};
  std::atomic<bool> finished{false};  // the spinner's gaps are there
  std::atomic<bool> leave{false};
  std::string refused;
  std::vector<Preemption> preemptions;
  std::vector<Gap> gaps;
};

void Spin(const Plan& plan, Shared& shared) {
  Name("spinner");
  PinTo(plan.cpu);
  BecomeImportant();
  if (plan.shield) BecomeFifo(1);  // where it is refused, so is the other's, and nothing is measured
  shared.spinner_tid.store(Tid(), std::memory_order_seq_cst);
  shared.spinner_tid.notify_all();
  shared.begin.wait(false);
  GapRecorder gaps(20'000);
  while (!shared.done.load(std::memory_order_relaxed)) gaps.Tick();
  shared.gaps = gaps.gaps();
  shared.finished.store(true, std::memory_order_seq_cst);
  shared.finished.notify_all();
  shared.leave.wait(false);
}

void Preempt(const Plan& plan, Shared& shared) {
  Name("fifo_bully");
  PinTo(plan.cpu);
  shared.refused = BecomeFifo(10);
  shared.preemptions.reserve(static_cast<size_t>(plan.count));
  shared.fifo_tid.store(shared.refused.empty() ? Tid() : -1, std::memory_order_seq_cst);
  shared.fifo_tid.notify_all();
  if (!shared.refused.empty()) return;
  shared.begin.wait(false);
  const int64_t first_ns = NowNs() + plan.period_ns;
  for (int64_t i = 0; i < plan.count; ++i) {
    SleepUntil(first_ns + i * plan.period_ns);
    Preemption preemption;
    preemption.start_ns = NowNs();
    SpinUntil(preemption.start_ns + plan.duration_ns);
    preemption.end_ns = NowNs();
    shared.preemptions.push_back(preemption);
  }
  // The spinner must get its CPU back after the last one before it stops.
  SleepUntil(NowNs() + plan.period_ns);
  shared.done.store(true, std::memory_order_seq_cst);
}

nlohmann::json Describe(const Preemption& preemption, const std::vector<Gap>& gaps) {
  nlohmann::json one{
      {"start_ns", preemption.start_ns}, {"end_ns", preemption.end_ns}, {"duration_ns", preemption.end_ns - preemption.start_ns}};
  for (const Gap& gap : gaps) {
    if (gap.start_ns <= preemption.start_ns && preemption.end_ns <= gap.end_ns) {
      one["gap_start_ns"] = gap.start_ns;
      one["gap_end_ns"] = gap.end_ns;
      one["gap_ns"] = gap.duration_ns();
    }
  }
  return one;
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"cpu", "count", "duration-us", "period-us"}, {"interactive", "shield"});
  Plan plan;
  plan.cpu = ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20));
  plan.count = arguments.Number("count", 40, 1, 10'000);
  plan.duration_ns = arguments.Number("duration-us", 2'000, 10, 20'000) * 1'000;
  // At most half of the CPU's time, so that the kernel's real-time throttling (95 % of a second by default) never interferes.
  plan.period_ns = arguments.Number("period-us", 20'000, 20, 1'000'000) * 1'000;
  if (plan.period_ns < 2 * plan.duration_ns) plan.period_ns = 2 * plan.duration_ns;
  plan.shield = arguments.Flag("shield");
  // A real-time thread that spins for 0.95 s is throttled by the kernel, and serves nobody.
  if (plan.shield && plan.count * plan.period_ns > 800'000'000) {
    std::fprintf(stderr, "--shield: %lld periods take more than 0.8 s: choose a smaller --count or --period-us\n",
                 static_cast<long long>(plan.count));
    return 3;
  }
  LimitLifetime(60 + static_cast<unsigned>(plan.count * plan.period_ns / 1'000'000'000));

  Session session(arguments.Flag("interactive"));
  Shared shared;
  std::thread spinner(Spin, std::cref(plan), std::ref(shared));
  std::thread fifo(Preempt, std::cref(plan), std::ref(shared));
  // This thread is no part of what is measured.
  if (OtherCpu(plan.cpu) >= 0) PinTo(OtherCpu(plan.cpu));
  shared.spinner_tid.wait(0);
  shared.fifo_tid.wait(0);
  const bool refused = shared.fifo_tid.load(std::memory_order_seq_cst) == -1;
  session.Ready({{"spinner_tid", shared.spinner_tid.load(std::memory_order_seq_cst)},
                 {"fifo_tid", shared.fifo_tid.load(std::memory_order_seq_cst)},
                 {"cpu", plan.cpu},
                 {"refused", shared.refused}});
  if (refused) shared.done.store(true, std::memory_order_seq_cst);
  shared.begin.store(true, std::memory_order_seq_cst);
  shared.begin.notify_all();
  fifo.join();
  shared.finished.wait(false);

  nlohmann::json preemptions = nlohmann::json::array();
  for (const Preemption& preemption : shared.preemptions) preemptions.push_back(Describe(preemption, shared.gaps));
  session.Result({{"workload", "preempted_spinner"},
                  {"cpu", plan.cpu},
                  {"spinner_tid", shared.spinner_tid.load(std::memory_order_seq_cst)},
                  {"fifo_tid", shared.fifo_tid.load(std::memory_order_seq_cst)},
                  {"refused", shared.refused},
                  {"preemptions", preemptions},
                  {"gap_count", shared.gaps.size()}});
  shared.leave.store(true, std::memory_order_seq_cst);
  shared.leave.notify_all();
  spinner.join();
  return refused ? 1 : 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
