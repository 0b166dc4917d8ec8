// A spinning thread that is interrupted, and knows when: reading the clock all the time it keeps every gap. Three storms:
//   timers  the spinner arms many timers for one moment: their expiries are one long local timer interrupt on its own CPU;
//   ipi     another CPU has this one begin and cease to count a large group of counters: each time it is one function-call IPI whose
//           handler visits all of the group;
//   quiet   nothing of its own: for storms that the test makes (a softirq load).
// With --bare nobody spins: for another workload on that CPU.
// With --shield the spinner is SCHED_FIFO, so that nothing but interrupts takes its CPU; its gaps are then interrupts' and the host's own.
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>
#include <vector>

#include "tests/workloads/arguments.h"
#include "tests/workloads/gap_recorder.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace hftmon::workload {
namespace {

struct Plan {
  int cpu = 0;
  std::string storm;
  int64_t count = 0;   // storms
  int64_t weight = 0;  // timers or counters of each
  int64_t period_ns = 0;
  int64_t gap_ns = 0;  // shorter gaps are not kept
  bool shield = false;
  bool bare = false;
};

struct Shared {
  std::atomic<pid_t> spinner_tid{0};
  std::atomic<bool> begin{false};
  std::atomic<bool> finished{false};
  std::atomic<bool> leave{false};
  std::string refused;
  std::vector<int> fds;           // timers or counters
  std::atomic<int64_t> fired{0};  // storms so far
  int64_t start_ns = 0;
  int64_t end_ns = 0;
  std::vector<Gap> gaps;
  std::vector<Gap> own;  // times in which it armed timers, and could see no gap
};

// As many descriptors as allowed, at most `wanted`.
int64_t RaiseFileLimit(int64_t wanted) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, static_cast<rlim_t>(wanted) + 64);
  setrlimit(RLIMIT_NOFILE, &limit);
  return std::min<int64_t>(wanted, static_cast<int64_t>(limit.rlim_cur) - 64);
}

void MakeTimers(const Plan& plan, Shared& shared) {
  for (int64_t i = RaiseFileLimit(plan.weight); i > 0; --i) {
    const int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    if (fd < 0) break;
    shared.fds.push_back(fd);
  }
  if (shared.fds.empty()) shared.refused = std::string("timerfd_create: ") + std::strerror(errno);
}

// The timers belong to the CPU that arms them.
void ArmTimers(Shared& shared, int64_t expiry_ns) {
  itimerspec expiry{};
  expiry.it_value = {expiry_ns / 1'000'000'000, expiry_ns % 1'000'000'000};
  for (const int fd : shared.fds) timerfd_settime(fd, TFD_TIMER_ABSTIME, &expiry, nullptr);
}

void MakeCounters(const Plan& plan, Shared& shared) {
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.size = sizeof(attributes);
  attributes.config = PERF_COUNT_SW_CPU_CLOCK;
  attributes.disabled = 1;
  attributes.read_format = PERF_FORMAT_GROUP;
  for (int64_t i = RaiseFileLimit(plan.weight); i > 0; --i) {
    const int leader = shared.fds.empty() ? -1 : shared.fds.front();
    const long fd = syscall(SYS_perf_event_open, &attributes, -1, plan.cpu, leader, 0);
    if (fd < 0) break;
    shared.fds.push_back(static_cast<int>(fd));
    attributes.disabled = 0;
  }
  if (shared.fds.empty()) shared.refused = std::string("perf_event_open: ") + std::strerror(errno);
}

void SendIpis(const Plan& plan, Shared& shared) {
  const int64_t first_ns = NowNs() + plan.period_ns;
  for (int64_t i = 0; i < plan.count; ++i) {
    SleepUntil(first_ns + i * plan.period_ns);
    // Of the leader alone: the members, which are enabled, follow it. PERF_IOC_FLAG_GROUP would send an IPI for each of them.
    ioctl(shared.fds.front(), i % 2 == 0 ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0);
    shared.fired.fetch_add(1, std::memory_order_seq_cst);
  }
}

void Spin(const Plan& plan, Shared& shared) {
  Name("spinner");
  PinTo(plan.cpu);
  BecomeImportant();
  if (plan.shield) shared.refused += BecomeFifo(1);
  shared.spinner_tid.store(Tid(), std::memory_order_seq_cst);
  shared.spinner_tid.notify_all();
  shared.begin.wait(false);
  GapRecorder gaps(plan.gap_ns);
  shared.start_ns = NowNs();
  const int64_t end_ns = shared.start_ns + (plan.count + 2) * plan.period_ns;
  int64_t next_ns = shared.start_ns;
  int64_t armed = 0;
  int64_t now_ns = 0;
  if (plan.bare) SleepUntil(end_ns);
  while ((now_ns = gaps.Tick()) < end_ns) {
    if (plan.storm != "timers" || armed == plan.count || now_ns < next_ns) continue;
    next_ns = now_ns + plan.period_ns;
    ArmTimers(shared, next_ns - plan.period_ns / 4);
    ++armed;
    gaps.Forget();
    shared.own.push_back({now_ns, NowNs()});
  }
  shared.end_ns = now_ns;
  if (plan.storm == "timers") shared.fired.store(armed, std::memory_order_seq_cst);
  shared.gaps = gaps.gaps();
  shared.finished.store(true, std::memory_order_seq_cst);
  shared.finished.notify_all();
  shared.leave.wait(false);
}

Plan ReadPlan(const Arguments& arguments) {
  Plan plan;
  plan.cpu = ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20));
  plan.storm = arguments.Text("storm", "timers");
  plan.count = arguments.Number("count", 20, 1, 1'000);
  plan.weight = arguments.Number("weight", 1'000, 1, 100'000);
  plan.period_ns = arguments.Number("period-us", 20'000, 100, 1'000'000) * 1'000;
  plan.gap_ns = arguments.Number("gap-ns", 1'000, 100, 1'000'000);
  plan.shield = arguments.Flag("shield");
  plan.bare = arguments.Flag("bare");
  if (plan.storm != "timers" && plan.storm != "ipi" && plan.storm != "quiet") {
    std::fprintf(stderr, "--storm %s: use timers, ipi or quiet\n", plan.storm.c_str());
    std::exit(3);
  }
  // A real-time thread that spins for 0.95 s is throttled by the kernel.
  if (plan.shield && (plan.count + 2) * plan.period_ns > 900'000'000) {
    std::fprintf(stderr, "--shield: %lld periods take more than 0.9 s: choose a smaller --count or --period-us\n",
                 static_cast<long long>(plan.count));
    std::exit(3);
  }
  return plan;
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"cpu", "storm", "count", "weight", "period-us", "gap-ns"}, {"interactive", "shield", "bare"});
  const Plan plan = ReadPlan(arguments);
  LimitLifetime(60 + static_cast<unsigned>(plan.count * plan.period_ns / 1'000'000'000));
  Session session(arguments.Flag("interactive"));
  Shared shared;
  if (plan.storm == "timers") MakeTimers(plan, shared);
  if (plan.storm == "ipi") MakeCounters(plan, shared);
  std::thread spinner(Spin, std::cref(plan), std::ref(shared));
  if (OtherCpu(plan.cpu) >= 0) PinTo(OtherCpu(plan.cpu));
  shared.spinner_tid.wait(0);
  session.Ready({{"spinner_tid", shared.spinner_tid.load(std::memory_order_seq_cst)},
                 {"cpu", plan.cpu},
                 {"other_cpu", OtherCpu(plan.cpu)},
                 {"weight", shared.fds.size()},
                 {"refused", shared.refused}});
  shared.begin.store(true, std::memory_order_seq_cst);
  shared.begin.notify_all();
  if (plan.storm == "ipi" && shared.refused.empty()) SendIpis(plan, shared);
  shared.finished.wait(false);
  nlohmann::json gaps = nlohmann::json::array();
  for (const Gap& gap : shared.gaps) gaps.push_back({gap.start_ns, gap.end_ns});
  nlohmann::json own = nlohmann::json::array();
  for (const Gap& gap : shared.own) own.push_back({gap.start_ns, gap.end_ns});
  session.Result({{"workload", "interrupted_spinner"},
                  {"spinner_tid", shared.spinner_tid.load(std::memory_order_seq_cst)},
                  {"cpu", plan.cpu},
                  {"storms", shared.fired.load(std::memory_order_seq_cst)},
                  {"start_ns", shared.start_ns},
                  {"end_ns", shared.end_ns},
                  {"own", own},
                  {"gaps", gaps}});
  shared.leave.store(true, std::memory_order_seq_cst);
  shared.leave.notify_all();
  spinner.join();
  return shared.refused.empty() ? 0 : 1;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
