// Priority inversion, --count times: real-time threads on one CPU that wait for each other's locks. Knows who waited for whom, from when to
// when, and who had the CPU meanwhile.
//   --scenario plain  low (FIFO 10) has a lock, high (FIFO 30) waits for it, medium (FIFO 20) takes low's CPU for --medium-us
//   --scenario pi     the same with a lock that inherits: low runs on, medium comes after it
//   --scenario chain  high waits for a lock of upper (FIFO 14), which waits for one of lower (FIFO 12), which waits for one of low
// Real time never lasts longer than a few milliseconds at a time, and sleeps between the turns: the kernel's throttling has no reason.
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace hftmon::workload {
namespace {

constexpr int64_t kPauseNs = 15'000'000;  // between two turns

// A signal that is no futex: the test looks at those.
class Bell {
 public:
  Bell() : fd_(eventfd(0, EFD_SEMAPHORE)) {}
  ~Bell() { close(fd_); }
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;

  void Ring() {
    const uint64_t one = 1;
    if (write(fd_, &one, sizeof(one)) != sizeof(one)) std::abort();
  }
  void Await() {
    uint64_t rung = 0;
    while (read(fd_, &rung, sizeof(rung)) != sizeof(rung)) {
    }
  }

 private:
  const int fd_;
};

// One turn, CLOCK_MONOTONIC. ask, got: high's, around taking the lock; release: low's, just before it lets go; medium_*: its spinning.
struct Turn {
  int64_t ask_ns = 0;
  int64_t got_ns = 0;
  int64_t release_ns = 0;
  int64_t medium_start_ns = 0;
  int64_t medium_end_ns = 0;
};

class Lock {
 public:
  explicit Lock(bool inherits) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    if (inherits) pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&mutex_, &attributes);
    pthread_mutexattr_destroy(&attributes);
  }
  void Take() { pthread_mutex_lock(&mutex_); }
  void LetGo() { pthread_mutex_unlock(&mutex_); }
  uintptr_t address() const { return reinterpret_cast<uintptr_t>(&mutex_); }

 private:
  pthread_mutex_t mutex_;
};

// A thread of the game: waits for its bell, then does its part of a turn.
struct Player {
  const char* name = "";
  int priority = 0;
  Bell bell;
  Bell done;
  std::atomic<pid_t> tid{0};
  std::thread thread;
};

struct Game {
  explicit Game(bool inherits) : a(inherits), b(inherits), c(inherits) {}

  int cpu = 0;
  int64_t hold_ns = 0;
  int64_t medium_ns = 0;
  std::vector<Turn> turns;
  Lock a, b, c;
  Player low{.name = "low", .priority = 10};
  Player lower{.name = "lower", .priority = 12};
  Player upper{.name = "upper", .priority = 14};
  Player medium{.name = "medium", .priority = 20};
  Player high{.name = "high", .priority = 30};
  std::string refusal;  // of real time; written before `tid` by each that is refused
  std::atomic<bool> refused{false};
};

// On the CPU, that is: what others took of it does not count.
void SpinOwnTime(int64_t duration_ns) {
  const auto now_ns = [] {
    timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
  };
  const int64_t until_ns = now_ns() + duration_ns;
  while (now_ns() < until_ns) {
  }
}

// Starts the thread; `part` is called once for each turn, after the player's bell has rung.
template <typename Part>
void Enter(Game& game, Player& player, Part part) {
  player.thread = std::thread([&game, &player, part] {
    Name(player.name);
    PinTo(game.cpu);
    if (const std::string why = BecomeFifo(player.priority); !why.empty() && !game.refused.exchange(true, std::memory_order_acq_rel))
      game.refusal = why;
    player.tid.store(Tid(), std::memory_order_seq_cst);
    player.done.Ring();
    for (Turn& turn : game.turns) {
      player.bell.Await();
      part(turn);
      player.done.Ring();
    }
    player.bell.Await();  // the test has read what there is to read of it
  });
  player.done.Await();
}

void Take(Turn& turn, Lock& lock) {
  turn.ask_ns = NowNs();
  lock.Take();
  turn.got_ns = NowNs();
  lock.LetGo();
}

// Whoever is woken here is more urgent, and so runs at once: high until it waits for the lock, then medium, unless low has inherited.
void EnterThree(Game& game) {
  Enter(game, game.high, [&game](Turn& turn) { Take(turn, game.a); });
  Enter(game, game.medium, [&game](Turn& turn) {
    turn.medium_start_ns = NowNs();
    SpinUntil(turn.medium_start_ns + game.medium_ns);
    turn.medium_end_ns = NowNs();
  });
  Enter(game, game.low, [&game](Turn& turn) {
    game.a.Take();
    game.high.bell.Ring();
    game.medium.bell.Ring();
    SpinOwnTime(game.hold_ns);
    turn.release_ns = NowNs();
    game.a.LetGo();
  });
}

void EnterChain(Game& game) {
  Enter(game, game.high, [&game](Turn& turn) { Take(turn, game.a); });
  Enter(game, game.upper, [&game](Turn&) {
    game.a.Take();
    game.b.Take();
    game.b.LetGo();
    game.a.LetGo();
  });
  Enter(game, game.lower, [&game](Turn&) {
    game.b.Take();
    game.c.Take();
    game.c.LetGo();
    game.b.LetGo();
  });
  Enter(game, game.low, [&game](Turn& turn) {
    game.c.Take();
    game.lower.bell.Ring();
    game.upper.bell.Ring();
    game.high.bell.Ring();
    SpinOwnTime(game.hold_ns);
    turn.release_ns = NowNs();
    game.c.LetGo();
  });
}

nlohmann::json TurnsOf(const Game& game) {
  nlohmann::json turns = nlohmann::json::array();
  for (const Turn& turn : game.turns) {
    turns.push_back({{"ask_ns", turn.ask_ns},
                     {"got_ns", turn.got_ns},
                     {"release_ns", turn.release_ns},
                     {"medium_start_ns", turn.medium_start_ns},
                     {"medium_end_ns", turn.medium_end_ns}});
  }
  return turns;
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"cpu", "count", "scenario", "hold-us", "medium-us"}, {"interactive"});
  const std::string scenario = arguments.Text("scenario", "plain");
  if (scenario != "plain" && scenario != "pi" && scenario != "chain") {
    std::fprintf(stderr, "inverted: --scenario is plain, pi or chain\n");
    return 3;
  }
  Game game(scenario == "pi");
  game.cpu = ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20));
  game.hold_ns = arguments.Number("hold-us", 2'000, 100, 10'000) * 1'000;
  game.medium_ns = arguments.Number("medium-us", 3'000, 100, 10'000) * 1'000;
  game.turns.resize(static_cast<size_t>(arguments.Number("count", 20, 1, 10'000)));
  LimitLifetime(60);

  Session session(arguments.Flag("interactive"));
  scenario == "chain" ? EnterChain(game) : EnterThree(game);
  const std::vector<Player*> players = scenario == "chain" ? std::vector<Player*>{&game.low, &game.lower, &game.upper, &game.high}
                                                           : std::vector<Player*>{&game.low, &game.medium, &game.high};
  nlohmann::json about{{"address", game.a.address()}, {"addresses", {game.a.address(), game.b.address(), game.c.address()}}};
  for (const Player* player : players) about[player->name] = player->tid.load(std::memory_order_seq_cst);
  if (game.refused.load(std::memory_order_seq_cst)) about["fifo_refused"] = game.refusal;
  session.Ready(about);
  for (size_t i = 0; i < game.turns.size(); ++i) {
    game.low.bell.Ring();
    for (Player* player : players) player->done.Await();
    SleepUntil(NowNs() + kPauseNs);
  }
  nlohmann::json result = about;
  result["workload"] = "inverted";
  result["turns"] = TurnsOf(game);
  session.Result(result);
  for (Player* player : players) player->bell.Ring();
  for (Player* player : players) player->thread.join();
  return 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
