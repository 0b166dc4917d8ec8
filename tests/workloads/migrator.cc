// One thread that moves itself between two CPUs with sched_setaffinity --count times and knows from where to where each move went.
// With a mask of one CPU there is nowhere to go: says so and ends with 1.
#include <sched.h>

#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace hftmon::workload {
namespace {

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"cpu", "count"}, {"interactive"});
  const int home = ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20));
  const int away = OtherCpu(home);
  const int64_t count = arguments.Number("count", 50, 1, 100'000);
  LimitLifetime(120);
  Name("migrator");

  Session session(arguments.Flag("interactive"));
  const std::string refused = away < 0 ? "the mask holds one CPU only: widen it with taskset" : "";
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
