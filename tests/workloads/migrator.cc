// One thread that moves itself between two CPUs with sched_setaffinity --count times and knows from where to where each move went.
// With a mask of one CPU there is nowhere to go: says so and ends with 1.
// With --unbound it is bound to neither but for the moment of a move, moves only as far as its mask lets it, and does so again for each
// line that is not empty: a program whose thread wanders until somebody binds it.
#include <sched.h>

#include <string>

#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace hftmon::workload {
namespace {

bool IsBound() {
  cpu_set_t mask;
  return sched_getaffinity(0, sizeof(mask), &mask) == 0 && CPU_COUNT(&mask) == 1;
}

void PinToBoth(int home, int away) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  CPU_SET(home, &mask);
  CPU_SET(away, &mask);
  sched_setaffinity(0, sizeof(mask), &mask);
}

// How often it moved.
int64_t Wander(int home, int away, int64_t count) {
  int64_t moved = 0;
  for (int64_t i = 0; i < count && !IsBound(); ++i) {
    const int from = sched_getcpu();
    PinTo(from == home ? away : home);
    moved += sched_getcpu() != from ? 1 : 0;
    PinToBoth(home, away);
    SpinUntil(NowNs() + 100'000);
  }
  return moved;
}

int Unbound(Session& session, int home, int away, int64_t count) {
  PinToBoth(home, away);
  session.Ready({{"tid", Tid()}, {"home", home}, {"away", away}, {"refused", ""}});
  for (std::string line = "go"; !line.empty();) {
    const int64_t moved = Wander(home, away, count);
    line = session.Result({{"workload", "migrator"}, {"tid", Tid()}, {"moved", moved}, {"bound", IsBound()}, {"cpu", sched_getcpu()}});
  }
  return 0;
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"cpu", "count"}, {"interactive", "unbound"});
  const int home = ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20));
  const int away = OtherCpu(home);
  const int64_t count = arguments.Number("count", 50, 1, 100'000);
  LimitLifetime(120);
  Name("migrator");

  Session session(arguments.Flag("interactive"));
  const std::string refused = away < 0 ? "the mask holds one CPU only: widen it with taskset" : "";
  if (arguments.Flag("unbound") && away >= 0) return Unbound(session, home, away, count);
  PinTo(home);
  session.Ready({{"tid", Tid()}, {"home", home}, {"away", away}, {"refused", refused}});
  nlohmann::json moves = nlohmann::json::array();
  for (int64_t i = 0; i < count && away >= 0; ++i) {
    const int from = sched_getcpu();
    const int64_t start_ns = NowNs();
    PinTo(from == home ? away : home);
    const int64_t end_ns = NowNs();
    moves.push_back({{"from_cpu", from}, {"to_cpu", sched_getcpu()}, {"start_ns", start_ns}, {"end_ns", end_ns}});
  }
  session.Result({{"workload", "migrator"}, {"tid", Tid()}, {"home", home}, {"away", away}, {"refused", refused}, {"moves", moves}});
  return away < 0 ? 1 : 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
