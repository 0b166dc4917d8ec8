// Two threads that each write a word of their own, --apart bytes from each other: 8 makes them share a cache line, 64 not. Each writes as
// often as it is told, by code of its own; nobody else touches the words. First --writes times; then, or --interactive from the start, once
// for each line as often as its number says.
#include <barrier>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>

#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace hftmon::workload {
namespace {

constexpr int64_t kWords = 64;

// Begins at a line, or at two.
alignas(128) volatile uint64_t words[kWords];

__attribute__((noinline)) void WriteFirst(volatile uint64_t* word, int64_t count) {
  for (int64_t i = 0; i < count; ++i) *word = static_cast<uint64_t>(i);
}

__attribute__((noinline)) void WriteSecond(volatile uint64_t* word, int64_t count) {
  for (int64_t i = count; i > 0; --i) *word = static_cast<uint64_t>(i);
}

struct Stage {
  std::barrier<> turn{3};
  int64_t count = 0;  // of the round; negative: leave
};

struct Writer {
  const char* name;
  void (*write)(volatile uint64_t* word, int64_t count);
  volatile uint64_t* word;
  pid_t tid = 0;
};

void Run(Stage& stage, Writer& writer) {
  Name(writer.name);
  writer.tid = Tid();
  stage.turn.arrive_and_wait();
  for (;;) {
    stage.turn.arrive_and_wait();
    if (stage.count < 0) return;
    writer.write(writer.word, stage.count);
    stage.turn.arrive_and_wait();
  }
}

nlohmann::json About(const Writer& writer) {
  return {{"tid", writer.tid}, {"address", reinterpret_cast<uintptr_t>(writer.word)}};
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"writes", "apart"}, {"interactive"});
  const int64_t apart = arguments.Number("apart", 8, 8, (kWords - 1) * 8);
  Stage stage{.count = arguments.Number("writes", 1'000, 0, 1 << 30)};
  Writer first{.name = "first", .write = WriteFirst, .word = &words[0]};
  Writer second{.name = "second", .write = WriteSecond, .word = &words[apart / 8]};
  LimitLifetime(120);
  Session session(arguments.Flag("interactive"));
  std::thread first_thread(Run, std::ref(stage), std::ref(first));
  std::thread second_thread(Run, std::ref(stage), std::ref(second));
  stage.turn.arrive_and_wait();
  session.Ready({{"first", About(first)}, {"second", About(second)}});
  for (;;) {
    stage.turn.arrive_and_wait();
    stage.turn.arrive_and_wait();
    const std::string line = session.Result({{"workload", "line_writers"}, {"writes_each", stage.count}});
    stage.count = line.empty() ? -1 : std::strtoll(line.c_str(), nullptr, 10);
    if (stage.count <= 0) break;
  }
  stage.count = -1;
  stage.turn.arrive_and_wait();
  first_thread.join();
  second_thread.join();
  return 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
