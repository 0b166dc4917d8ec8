// One thread that calls nanosleep --count times and does nothing else. Knows each sleep's length as it saw it.
#include <ctime>

#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace hftmon::workload {
namespace {

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"cpu", "count", "duration-us"}, {"interactive"});
  const int cpu = ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20));
  const int64_t count = arguments.Number("count", 20, 1, 100'000);
  const int64_t duration_ns = arguments.Number("duration-us", 5'000, 1, 1'000'000) * 1'000;
  LimitLifetime(60 + static_cast<unsigned>(count * duration_ns / 1'000'000'000));
  Name("sleeper");
  PinTo(cpu);
  BecomeImportant();

  Session session(arguments.Flag("interactive"));
  session.Ready({{"tid", Tid()}, {"cpu", cpu}});
  nlohmann::json sleeps = nlohmann::json::array();
  int64_t sum_ns = 0;
  for (int64_t i = 0; i < count; ++i) {
    const timespec duration{duration_ns / 1'000'000'000, duration_ns % 1'000'000'000};
    const int64_t start_ns = NowNs();
    nanosleep(&duration, nullptr);
    const int64_t end_ns = NowNs();
    sleeps.push_back({{"start_ns", start_ns}, {"duration_ns", end_ns - start_ns}});
    sum_ns += end_ns - start_ns;
  }
  session.Result(
      {{"workload", "sleeper"}, {"cpu", cpu}, {"tid", Tid()}, {"asked_ns", duration_ns}, {"sum_ns", sum_ns}, {"sleeps", sleeps}});
  return 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
