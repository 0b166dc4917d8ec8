// Two busy threads that share one CPU for --milliseconds. Each knows the gaps in its own time and what the kernel says it waited
// (schedstat); afterwards both are blocked, so that their counts stand still.
#include <algorithm>
#include <array>
#include <atomic>
#include <ctime>
#include <functional>
#include <semaphore>
#include <thread>

#include "tests/workloads/arguments.h"
#include "tests/workloads/gap_recorder.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"
#include "tests/workloads/thread_counts.h"

#include <unistd.h>

namespace hftmon::workload {
namespace {

struct Spinner {
  std::atomic<pid_t> tid{0};
  std::counting_semaphore<2> finished{0};
  std::counting_semaphore<2> leave{0};
  int64_t gap_count = 0;
  int64_t gap_sum_ns = 0;
  int64_t gap_max_ns = 0;
  int64_t cpu_time_ns = 0;  // while it spun
};

int64_t CpuTimeNs() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

// Both spin until the same moment: while one runs, the other waits.
void Spin(Spinner& self, const char* name, int cpu, const std::atomic<int64_t>& end_ns) {
  Name(name);
  PinTo(cpu);
  BecomeImportant();
  self.tid.store(Tid(), std::memory_order_seq_cst);
  self.tid.notify_all();
  end_ns.wait(0);
  GapRecorder gaps(20'000);
  const int64_t cpu_time_ns = CpuTimeNs();
  while (gaps.Tick() < end_ns.load(std::memory_order_relaxed)) {
  }
  self.cpu_time_ns = CpuTimeNs() - cpu_time_ns;
  self.gap_count = gaps.count();
  self.gap_sum_ns = gaps.sum_ns();
  for (const Gap& gap : gaps.gaps()) self.gap_max_ns = std::max(self.gap_max_ns, gap.duration_ns());
  self.finished.release();
  self.leave.acquire();
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"cpu", "milliseconds"}, {"interactive"});
  const int cpu = ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20));
  const int64_t duration_ns = arguments.Number("milliseconds", 500, 10, 60'000) * 1'000'000;
  LimitLifetime(60 + static_cast<unsigned>(duration_ns / 1'000'000'000));

  Session session(arguments.Flag("interactive"));
  std::array<Spinner, 2> spinners;
  std::atomic<int64_t> end_ns{0};
  std::thread first(Spin, std::ref(spinners[0]), "spinner_a", cpu, std::cref(end_ns));
  std::thread second(Spin, std::ref(spinners[1]), "spinner_b", cpu, std::cref(end_ns));
  nlohmann::json tids = nlohmann::json::array();
  for (Spinner& spinner : spinners) {
    spinner.tid.wait(0);
    tids.push_back(spinner.tid.load(std::memory_order_seq_cst));
  }
  session.Ready({{"tids", tids}, {"cpu", cpu}});
  // One call wakes both: neither runs while the other is not yet waiting for its CPU.
  end_ns.store(NowNs() + duration_ns, std::memory_order_seq_cst);
  end_ns.notify_all();
  nlohmann::json threads = nlohmann::json::array();
  for (Spinner& spinner : spinners) spinner.finished.acquire();
  for (const Spinner& spinner : spinners) {
    const ThreadCounts counts = ReadThreadCounts(getpid(), spinner.tid.load(std::memory_order_seq_cst)).value_or(ThreadCounts{});
    threads.push_back({{"tid", spinner.tid.load(std::memory_order_seq_cst)},
                       {"gap_count", spinner.gap_count},
                       {"gap_sum_ns", spinner.gap_sum_ns},
                       {"gap_max_ns", spinner.gap_max_ns},
                       {"cpu_time_ns", spinner.cpu_time_ns},
                       {"run_delay_ns", counts.run_delay_ns}});
  }
  session.Result({{"workload", "two_spinners"}, {"cpu", cpu}, {"threads", threads}});
  for (Spinner& spinner : spinners) spinner.leave.release();
  first.join();
  second.join();
  return 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
