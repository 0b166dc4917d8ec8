// Threads that are each scheduled in another way, and know how: "fifo", "rr", "batch", "nice" and "deadline" sleep, as "sleeper" does;
// "spinner" and "rival" spin on one CPU, which they share; "changer" sleeps, and is scheduled otherwise when it is told to.
//
// The announcement has each thread's policy, priorities and CPUs, or why its kind was refused. Interactive, a line of one of these words
// acts, and an object with what is true afterwards answers it: "fifo" and "other" make the changer that, "narrow" pins it to one CPU and
// "wide" undoes it; "count" has for each thread what the kernel says that it ran and waited (schedstat). An empty line ends it.
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <deque>
#include <fstream>
#include <functional>
#include <semaphore>
#include <string>
#include <thread>

#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace hftmon::workload {
namespace {

struct Member {
  std::string name;
  std::function<std::string()> become;  // empty, or why it was refused
  bool spins = false;
  std::atomic<pid_t> tid{0};
  std::string refused;
  std::counting_semaphore<2> leave{0};
};

std::atomic<bool> ended{false};

std::string Refusal(int result) {
  return result == 0 ? "" : std::strerror(errno);
}

std::string Become(int policy, int priority) {
  sched_param parameters{};
  parameters.sched_priority = priority;
  return Refusal(sched_setscheduler(0, policy, &parameters));
}

std::string BecomeNice(int nice) {
  return Refusal(setpriority(PRIO_PROCESS, static_cast<id_t>(Tid()), nice));
}

// 1 ms in each 100 ms.
std::string BecomeDeadline() {
  struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns, deadline_ns, period_ns;
  } attributes{};
  attributes.size = sizeof(attributes);
  attributes.policy = 6;  // SCHED_DEADLINE
  attributes.runtime_ns = 1'000'000;
  attributes.deadline_ns = 50'000'000;
  attributes.period_ns = 100'000'000;
  return Refusal(static_cast<int>(::syscall(SYS_sched_setattr, 0, &attributes, 0)));
}

void Live(Member& self) {
  Name(self.name);
  self.refused = self.become ? self.become() : "";
  self.tid.store(Tid(), std::memory_order_release);
  self.tid.notify_all();
  if (self.spins) {
    while (!ended.load(std::memory_order_relaxed)) {
    }
  }
  self.leave.acquire();
}

// Those that spin leave no CPU to whoever has still to fall asleep there.
void AwaitSleep(pid_t tid) {
  std::string name;
  for (char state = 'R'; state != 'S'; SleepUntil(NowNs() + 1'000'000)) {
    std::ifstream file("/proc/self/task/" + std::to_string(tid) + "/stat");
    file >> name >> name >> state;  // the names here have no blanks
  }
}

nlohmann::json CountsOf(const std::deque<Member>& members) {
  nlohmann::json counts = nlohmann::json::object();
  for (const Member& member : members) {
    std::ifstream file("/proc/self/task/" + std::to_string(member.tid.load(std::memory_order_acquire)) + "/schedstat");
    int64_t run_ns = 0;
    int64_t run_delay_ns = 0;
    file >> run_ns >> run_delay_ns;
    counts[member.name] = {{"run_ns", run_ns}, {"run_delay_ns", run_delay_ns}};
  }
  return {{"time_ns", NowNs()}, {"threads", counts}};
}

nlohmann::json Change(pid_t tid, const std::string& word, int cpu) {
  sched_param parameters{};
  int result = 0;
  if (word == "fifo" || word == "other") {
    parameters.sched_priority = word == "fifo" ? 7 : 0;
    result = sched_setscheduler(tid, word == "fifo" ? SCHED_FIFO : SCHED_OTHER, &parameters);
  } else {
    cpu_set_t mask;
    CPU_ZERO(&mask);
    if (word == "narrow") {
      CPU_SET(static_cast<size_t>(cpu), &mask);
    } else {
      for (const int one : InheritedCpus()) CPU_SET(static_cast<size_t>(one), &mask);
    }
    result = sched_setaffinity(tid, sizeof(mask), &mask);
  }
  return {{"refused", Refusal(result)}, {"time_ns", NowNs()}};
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"cpu"}, {"interactive"});
  const int cpu = ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20));
  LimitLifetime(120);
  Session session(arguments.Flag("interactive"));
  std::deque<Member> members;
  const auto add = [&members](const std::string& name, std::function<std::string()> become, bool spins = false) {
    Member& member = members.emplace_back();
    member.name = name;
    member.become = std::move(become);
    member.spins = spins;
  };
  const auto pinned = [cpu] {
    PinTo(cpu);
    return std::string();
  };
  add("sleeper", {});
  add("fifo", [] { return Become(SCHED_FIFO, 42); });
  add("rr", [] { return Become(SCHED_RR, 3); });
  add("batch", [] { return Become(SCHED_BATCH, 0); });
  add("nice", [] { return BecomeNice(-5); });
  add("deadline", [] { return BecomeDeadline(); });
  add("pinned", pinned);
  add("changer", {});
  const auto important = [&pinned] {
    BecomeImportant();
    return pinned();
  };
  add("spinner", important, true);
  add("rival", important, true);
  std::deque<std::thread> threads;
  nlohmann::json about = {{"cpu", cpu}, {"cpus", InheritedCpus()}, {"threads", nlohmann::json::object()}};
  for (Member& member : members) {
    threads.emplace_back(Live, std::ref(member));
    member.tid.wait(0, std::memory_order_acquire);
    if (!member.spins) AwaitSleep(member.tid.load(std::memory_order_acquire));
    about["threads"][member.name] = {{"tid", member.tid.load(std::memory_order_acquire)}, {"refused", member.refused}};
  }
  const pid_t changer = about["threads"]["changer"]["tid"];
  session.Ready(about);
  std::string word = session.Result(CountsOf(members));
  while (!word.empty() && session.interactive()) {
    word = session.Result(word == "count" ? CountsOf(members) : Change(changer, word, cpu));
  }
  ended.store(true, std::memory_order_relaxed);
  for (Member& member : members) member.leave.release();
  for (std::thread& thread : threads) thread.join();
  return 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
