// A thread that wants its CPU all the time and is kept from it in several known ways, one after another: what the quickstart shows. Each
// stall is caused on purpose and measured by the victim itself; the table at the end says what it did to itself, to be compared with what
// hftmon reported.
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <ctime>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tests/workloads/arguments.h"
#include "tests/workloads/gap_recorder.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace hftmon::workload {
namespace {

constexpr int64_t kGapThresholdNs = 50'000;

enum Kind { kNone, kPreempted, kSharedCpu, kBurst, kMovedToBusyCpu, kFutex, kNanosleep, kKinds };
constexpr std::array<const char*, kKinds> kNames = {"other",
                                                    "preempted by fifo_bully",
                                                    "CPU shared with busy_peer",
                                                    "burst of 4 short runners",
                                                    "moved to a busy CPU",
                                                    "blocked in futex",
                                                    "blocked in nanosleep"};
constexpr std::array<const char*, kKinds> kKeys = {"other", "preempted", "shared_cpu", "burst", "moved_to_busy_cpu", "futex", "nanosleep"};

struct Tally {
  int64_t count = 0;
  int64_t sum_ns = 0;
  int64_t max_ns = 0;
};

// What the conductor asks of the victim. `kind` names the stall that is being caused; `request` is one that the victim causes itself.
struct Stage {
  int cpu = 0;
  int other_cpu = -1;
  std::atomic<int> kind{kNone};
  std::atomic<int> request{kNone};
  std::atomic<bool> done{false};
  std::atomic<uint32_t> futex{0};
  std::atomic<pid_t> victim_tid{0};
  std::array<Tally, kKinds> tallies;  // the victim's until it has ended
};

// Runs what the conductor asked for, in the victim. The call itself is the stall (a futex, a sleep) or leads to it (a move).
void Obey(Stage& stage, int request) {
  const timespec limit{0, 2'000'000};
  if (request == kFutex) syscall(SYS_futex, &stage.futex, FUTEX_WAIT_PRIVATE, 0, &limit, nullptr, 0);
  if (request == kNanosleep) nanosleep(&limit, nullptr);
  if (request == kMovedToBusyCpu) PinTo(sched_getcpu() == stage.cpu ? stage.other_cpu : stage.cpu);
}

void BeVictim(Stage& stage) {
  Name("victim");
  PinTo(stage.cpu);
  BecomeImportant();
  stage.victim_tid.store(Tid(), std::memory_order_seq_cst);
  stage.victim_tid.notify_all();
  GapRecorder gaps(kGapThresholdNs);
  size_t seen = 0;
  while (!stage.done.load(std::memory_order_relaxed)) {
    const int request = stage.request.load(std::memory_order_acquire);
    // Read before the gap: the conductor may have moved on by the time the victim runs again.
    const int kind = stage.kind.load(std::memory_order_acquire);
    if (request != kNone) {
      stage.request.store(kNone, std::memory_order_release);
      Obey(stage, request);
    }
    gaps.Tick();
    for (; seen < gaps.gaps().size(); ++seen) {
      Tally& tally = stage.tallies[static_cast<size_t>(kind)];
      const int64_t gap_ns = gaps.gaps()[seen].duration_ns();
      ++tally.count;
      tally.sum_ns += gap_ns;
      if (gap_ns > tally.max_ns) tally.max_ns = gap_ns;
    }
  }
}

// A thread on the victim's CPU that runs for a while at the given real-time priority (0 = an ordinary one) and ends.
std::thread Runner(const std::string& name, int cpu, int priority, int64_t duration_ns) {
  return std::thread([=] {
    Name(name);
    if (priority > 0) BecomeFifo(priority);  // ordinary where it is refused: it then shares the CPU instead of taking it
    PinTo(cpu);
    BecomeImportant();  // the victim's equal; what else runs on this host stays out of the picture
    SpinUntil(NowNs() + duration_ns);
  });
}

void Ask(Stage& stage, int request) {
  stage.request.store(request, std::memory_order_release);
  while (stage.request.load(std::memory_order_acquire) != kNone) SleepUntil(NowNs() + 200'000);
}

void Conduct(Stage& stage, int64_t end_ns) {
  const auto pause = [] { SleepUntil(NowNs() + 20'000'000); };
  const std::vector<std::pair<Kind, std::function<void()>>> acts = {
      {kPreempted, [&] { Runner("fifo_bully", stage.cpu, 10, 2'000'000).join(); }},
      {kSharedCpu, [&] { Runner("busy_peer", stage.cpu, 0, 30'000'000).join(); }},
      {kBurst,
       [&] {
         std::vector<std::thread> burst;
         for (int i = 0; i < 4; ++i) burst.push_back(Runner("burst_" + std::to_string(i), stage.cpu, 5, 200'000));
         for (std::thread& runner : burst) runner.join();
       }},
      {kMovedToBusyCpu,
       [&] {
         std::thread peer = Runner("busy_resident", stage.other_cpu, 0, 40'000'000);
         Ask(stage, kMovedToBusyCpu);
         peer.join();
         Ask(stage, kMovedToBusyCpu);
       }},
      {kFutex, [&] { Ask(stage, kFutex); }},
      {kNanosleep, [&] { Ask(stage, kNanosleep); }},
  };
  while (NowNs() < end_ns) {
    for (const auto& [kind, act] : acts) {
      if (kind == kMovedToBusyCpu && stage.other_cpu < 0) continue;
      if (NowNs() >= end_ns) break;
      stage.kind.store(kind, std::memory_order_release);
      act();
      pause();
    }
  }
  stage.done.store(true, std::memory_order_seq_cst);
}

void PrintTable(const Stage& stage, int64_t seconds) {
  std::printf("The victim (pid %d, tid %d, CPU %d) was kept from running in these ways during %lld s, as it measured itself:\n\n", getpid(),
              stage.victim_tid.load(std::memory_order_seq_cst), stage.cpu, static_cast<long long>(seconds));
  std::printf("  %-28s %7s %12s %12s %12s\n", "cause", "stalls", "total ms", "mean us", "longest us");
  for (size_t kind = 1; kind <= kKinds; ++kind) {
    const Tally& tally = stage.tallies[kind % kKinds];
    const double count = tally.count > 0 ? static_cast<double>(tally.count) : 1;
    std::printf("  %-28s %7lld %12.3f %12.1f %12.1f\n", kNames[kind % kKinds], static_cast<long long>(tally.count),
                static_cast<double>(tally.sum_ns) / 1e6, static_cast<double>(tally.sum_ns) / count / 1e3,
                static_cast<double>(tally.max_ns) / 1e3);
  }
  if (stage.other_cpu < 0) std::printf("\n  moved to a busy CPU: left out, the mask holds one CPU only\n");
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"cpu", "seconds"}, {"interactive", "json"});
  Stage stage;
  stage.cpu = ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20));
  stage.other_cpu = OtherCpu(stage.cpu);
  const int64_t seconds = arguments.Number("seconds", 10, 1, 3'600);
  LimitLifetime(60 + static_cast<unsigned>(seconds));
  Name("stalled");

  Session session(arguments.Flag("interactive"));
  std::thread victim(BeVictim, std::ref(stage));
  stage.victim_tid.wait(0);
  session.Ready({{"victim_tid", stage.victim_tid.load(std::memory_order_seq_cst)}, {"cpu", stage.cpu}});
  // The conductor and what it starts wait elsewhere: the victim is to be stalled by nothing but what is announced.
  if (stage.other_cpu >= 0) PinTo(stage.other_cpu);
  Conduct(stage, NowNs() + seconds * 1'000'000'000);
  victim.join();

  if (!arguments.Flag("json") && !session.interactive()) {
    PrintTable(stage, seconds);
    return 0;
  }
  nlohmann::json kinds = nlohmann::json::object();
  for (size_t kind = 0; kind < kKinds; ++kind) {
    const Tally& tally = stage.tallies[kind];
    kinds[kKeys[kind]] = {{"count", tally.count}, {"sum_ns", tally.sum_ns}, {"max_ns", tally.max_ns}};
  }
  session.Result({{"workload", "stalled_workload"},
                  {"victim_tid", stage.victim_tid.load(std::memory_order_seq_cst)},
                  {"cpu", stage.cpu},
                  {"kinds", kinds}});
  return 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
