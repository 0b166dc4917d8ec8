// Two threads on one CPU that wake each other through a futex: context switches as fast as the kernel makes them. The woken thread
// may preempt its waker, so some of the switches are involuntary; with --batch (SCHED_BATCH) it never does, and all are voluntary and
// alike.
//
// Interactive, each line "N" on stdin makes N more switches and is answered with a result; an empty line ends. Between the turns all
// threads are blocked. The result holds the time of the round trips (two switches each): the mean of their middle half, which says what a
// switch costs finer than the clock ticks, and percentiles.
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <climits>
#include <semaphore>
#include <thread>
#include <vector>

#include "tests/workloads/arguments.h"
#include "tests/workloads/duration_summary.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"
#include "tests/workloads/thread_counts.h"

namespace hftmon::workload {
namespace {

constexpr int64_t kSwitchesMax = 10'000'000;

struct Court {
  int cpu = 0;
  bool batch = false;
  std::atomic<uint32_t> turn{0};  // whose turn it is: 0 or 1
  int64_t rounds = 0;             // of the present game; written while the players are blocked
  std::atomic<bool> closed{false};
  std::vector<uint32_t> round_trip_ns;  // of player 0
  int64_t elapsed_ns = 0;
};

struct Player {
  std::atomic<pid_t> tid{0};
  std::binary_semaphore begin{0};
  std::binary_semaphore finished{0};
};

void WaitForTurn(std::atomic<uint32_t>& turn, uint32_t mine) {
  uint32_t seen;
  while ((seen = turn.load(std::memory_order_acquire)) != mine) {
    syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
  }
}

void PassTurn(std::atomic<uint32_t>& turn, uint32_t to) {
  turn.store(to, std::memory_order_release);
  syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

void Play(Court& court, Player& self, uint32_t side) {
  Name(side == 0 ? "ping" : "pong");
  PinTo(court.cpu);
  BecomeImportant();
  if (court.batch) BecomeBatch();
  self.tid.store(Tid(), std::memory_order_seq_cst);
  self.tid.notify_all();
  for (;;) {
    self.begin.acquire();
    if (court.closed.load(std::memory_order_acquire)) return;
    const int64_t start_ns = NowNs();
    int64_t last_ns = start_ns;
    for (int64_t round = 0; round < court.rounds; ++round) {
      WaitForTurn(court.turn, side);
      if (side == 0) {
        const int64_t now_ns = NowNs();
        court.round_trip_ns[static_cast<size_t>(round)] = static_cast<uint32_t>(std::min<int64_t>(now_ns - last_ns, UINT32_MAX));
        last_ns = now_ns;
      }
      PassTurn(court.turn, 1 - side);
    }
    if (side == 0) court.elapsed_ns = NowNs() - start_ns;
    self.finished.release();
  }
}

nlohmann::json PlayGame(Court& court, std::array<Player, 2>& players, int64_t switches) {
  court.rounds = std::max<int64_t>(switches / 2, 1);
  court.round_trip_ns.assign(static_cast<size_t>(court.rounds), 0);
  for (Player& player : players) player.begin.release();
  for (Player& player : players) player.finished.acquire();
  nlohmann::json threads = nlohmann::json::array();
  for (const Player& player : players) {
    const ThreadCounts counts = ReadThreadCounts(getpid(), player.tid.load(std::memory_order_seq_cst)).value_or(ThreadCounts{});
    threads.push_back({{"tid", player.tid.load(std::memory_order_seq_cst)},
                       {"voluntary_count", counts.voluntary_count},
                       {"involuntary_count", counts.involuntary_count},
                       {"run_delay_ns", counts.run_delay_ns}});
  }
  return {{"workload", "ping_pong"},
          {"cpu", court.cpu},
          {"switches", 2 * court.rounds},
          {"elapsed_ns", court.elapsed_ns},
          {"ns_per_switch", static_cast<double>(court.elapsed_ns) / static_cast<double>(2 * court.rounds)},
          {"round_trip", SummaryOf(court.round_trip_ns)},
          {"threads", threads}};
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"cpu", "switches"}, {"interactive", "batch"});
  Court court;
  court.batch = arguments.Flag("batch");
  court.cpu = ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20));
  const int64_t switches = arguments.Number("switches", 100'000, 2, kSwitchesMax);
  LimitLifetime(900);

  Session session(arguments.Flag("interactive"));
  std::array<Player, 2> players;
  std::thread ping(Play, std::ref(court), std::ref(players[0]), 0);
  std::thread pong(Play, std::ref(court), std::ref(players[1]), 1);
  nlohmann::json tids = nlohmann::json::array();
  for (Player& player : players) {
    player.tid.wait(0);
    tids.push_back(player.tid.load(std::memory_order_seq_cst));
  }
  if (!session.interactive()) {
    session.Result(PlayGame(court, players, switches));
  } else {
    std::printf("%s\n", nlohmann::json{{"ready", true}, {"pid", getpid()}, {"tids", tids}, {"cpu", court.cpu}}.dump().c_str());
    std::fflush(stdout);
    for (std::string line = session.Wait(); !line.empty(); line = session.Wait()) {
      const int64_t asked = std::clamp<int64_t>(std::atoll(line.c_str()), 2, kSwitchesMax);
      nlohmann::json result = PlayGame(court, players, asked);
      result["pid"] = getpid();
      std::printf("%s\n", result.dump().c_str());
      std::fflush(stdout);
    }
  }
  court.closed.store(true, std::memory_order_release);
  for (Player& player : players) player.begin.release();
  ping.join();
  pong.join();
  return 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
