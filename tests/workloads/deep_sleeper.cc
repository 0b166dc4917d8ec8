// One thread that sleeps --count times at the end of a call chain that it knows: chain_one calls chain_two … chain_five calls nanosleep.
// Compiled without frame pointers. With --deep, chain_three keeps 16 KiB on its stack.
#include <ctime>

#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace {

constexpr int64_t kSleepNs = 5'000'000;
bool deep = false;

// Something to do after the call, so that it is a call and no jump.
#define HFT_KEEP_FRAME asm volatile("" ::: "memory")

}  // namespace

extern "C" {

[[gnu::noinline]] void chain_five() {
  const timespec duration{0, kSleepNs};
  nanosleep(&duration, nullptr);
  HFT_KEEP_FRAME;
}

[[gnu::noinline]] void chain_four() {
  chain_five();
  HFT_KEEP_FRAME;
}

[[gnu::noinline]] void chain_three_deep() {
  volatile char filler[16'384];
  filler[0] = 1;
  chain_four();
  filler[1] = filler[0];
}

[[gnu::noinline]] void chain_three() {
  if (deep) {
    chain_three_deep();
  } else {
    chain_four();
  }
  HFT_KEEP_FRAME;
}

[[gnu::noinline]] void chain_two() {
  chain_three();
  HFT_KEEP_FRAME;
}

[[gnu::noinline]] void chain_one() {
  chain_two();
  HFT_KEEP_FRAME;
}
}

namespace hftmon::workload {
namespace {

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"cpu", "count"}, {"interactive", "deep"});
  const int cpu = ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20));
  const int64_t count = arguments.Number("count", 10, 1, 10'000);
  LimitLifetime(60 + static_cast<unsigned>(count * kSleepNs / 1'000'000'000));
  deep = arguments.Flag("deep");
  PinTo(cpu);
  Session session(arguments.Flag("interactive"));
  session.Ready({{"tid", Tid()}, {"cpu", cpu}});
  for (int64_t i = 0; i < count; ++i) chain_one();
  session.Result({{"workload", "deep_sleeper"}, {"tid", Tid()}, {"count", count}});
  return 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
