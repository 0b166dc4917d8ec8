// Two threads that access one word of memory as often as they are told, each by code of its own: one stores, the other loads. Nobody else
// touches it. Alone --accesses times; then, or --interactive from the start, once for each line as often as its number says. With --cpu
// both run there.
#include <barrier>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>

#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

// The linker's bounds of the sections below.
extern "C" const char __start_storing_code[], __stop_storing_code[], __start_loading_code[], __stop_loading_code[];

namespace hftmon::workload {
namespace {

// A cache line of its own.
alignas(64) volatile uint64_t word;

__attribute__((noinline, section("storing_code"))) void Store(int64_t count) {
  for (int64_t i = 0; i < count; ++i) word = static_cast<uint64_t>(i);
}

__attribute__((noinline, section("loading_code"))) void Load(int64_t count) {
  for (int64_t i = 0; i < count; ++i) static_cast<void>(word);
}

struct Stage {
  std::barrier<> turn{3};
  int64_t count = 0;  // of the round; negative: leave
  int cpu = -1;
};

void Run(Stage& stage, const char* name, void (*access)(int64_t), pid_t& tid) {
  Name(name);
  if (stage.cpu >= 0) PinTo(stage.cpu);
  tid = Tid();
  stage.turn.arrive_and_wait();
  for (;;) {
    stage.turn.arrive_and_wait();
    if (stage.count < 0) return;
    access(stage.count);
    stage.turn.arrive_and_wait();
  }
}

nlohmann::json Range(const char* begin, const char* end) {
  return {{"begin", reinterpret_cast<uintptr_t>(begin)}, {"end", reinterpret_cast<uintptr_t>(end)}};
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"accesses", "cpu"}, {"interactive"});
  Stage stage;
  if (const int64_t cpu = arguments.Number("cpu", -1, 0, 1 << 20); cpu >= 0) stage.cpu = ChooseCpu(cpu);
  const int64_t accesses = arguments.Number("accesses", 1'000, 0, 1 << 30);
  LimitLifetime(120);
  Session session(arguments.Flag("interactive"));
  pid_t storing = 0;
  pid_t loading = 0;
  std::thread storer(Run, std::ref(stage), "storer", Store, std::ref(storing));
  std::thread loader(Run, std::ref(stage), "loader", Load, std::ref(loading));
  stage.turn.arrive_and_wait();
  session.Ready({{"address", reinterpret_cast<uintptr_t>(&word)},
                 {"storer", {{"tid", storing}, {"code", Range(__start_storing_code, __stop_storing_code)}}},
                 {"loader", {{"tid", loading}, {"code", Range(__start_loading_code, __stop_loading_code)}}}});
  stage.count = accesses;
  for (;;) {
    stage.turn.arrive_and_wait();
    stage.turn.arrive_and_wait();
    const std::string line = session.Result({{"workload", "shared_word"}, {"stores", stage.count}, {"loads", stage.count}});
    stage.count = line.empty() ? -1 : std::strtoll(line.c_str(), nullptr, 10);
    if (stage.count <= 0) break;
  }
  stage.count = -1;
  stage.turn.arrive_and_wait();
  storer.join();
  loader.join();
  return 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
