// order_book_marks_bench: what marks cost the order book, as the ratio of its throughput with marks to that without, in pairs of runs one
// after the other, whose order alternates.
//
// Prints one JSON line for each way of reading and number of threads: the median of the pairs' ratios, their quartiles and extremes.
// "nobody": no reader, the rings fill and the rest is dropped; "taken": a thread that gives back each ring's room and reads nothing, so
// that each mark is written; "reader": MarkerReader into the book of operations, as the daemon has it. The last two want a CPU besides the
// book's, so they are measured with one thread of it.
// Usage: order_book_marks_bench [pairs, default 10] [seconds of each run, default 2] [SCHED_FIFO priority, default 0: none] [order|all]
// [nobody|taken|reader, default each].
// Exit code: 1 when a run fails or is not sound, 2 when the gate is missed, else 0. The gate: nobody reads, order.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "client/examples/order_book/run.h"
#include "daemon/markers/marker_reader.h"
#include "daemon/markers/operation_book.h"
#include "tests/fakes/marker_directory.h"

namespace hftmon {
namespace {

using order_book::MarkLevel;
using order_book::Options;
using order_book::RunOrderBook;
using order_book::RunResult;

constexpr double kGate = 0.97;
constexpr uint32_t kThreads = 2;     // rings of an order book's file
constexpr uint32_t kOperations = 7;  // its names, the unnamed one included

struct Plan {
  int pairs = 10;
  double seconds = 2;
  int priority = 0;
  MarkLevel level = MarkLevel::kOrder;
  std::string reader;  // empty: each
};

// As a daemon's reader that other programs do not keep from its CPU.
void TakePriority(int priority) {
  const sched_param param{.sched_priority = priority};
  if (priority > 0) sched_setscheduler(0, SCHED_FIFO, &param);
}

// Between two turns of a reader: nothing wakes it, since a program that marks tells nobody.
void Pace() {
  const timespec turn{.tv_sec = 0, .tv_nsec = 100'000};
  ppoll(nullptr, 0, &turn, nullptr);
}

// Gives back the room of each ring as soon as it is used, until it ends.
class Taker {
 public:
  Taker(std::string path, int priority)
      : thread_([this, path = std::move(path), priority] {
          TakePriority(priority);
          Take(path);
        }) {}
  ~Taker() {
    stop_.store(true, std::memory_order_relaxed);
    thread_.join();
  }
  Taker(const Taker&) = delete;
  Taker& operator=(const Taker&) = delete;

 private:
  void Take(const std::string& path) {
    int fd = -1;
    while (fd < 0 && !stop_.load(std::memory_order_relaxed)) {
      fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
      Pace();
    }
    if (fd < 0) return;
    // Mapped to the end of the readers' words.
    const uint64_t bytes = hft_marker_ring_at(kOperations, kThreads, 256, 0);
    void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (memory == MAP_FAILED) return;
    auto* const producers = reinterpret_cast<hft_marker_producer*>(static_cast<char*>(memory) + hft_marker_producers_at(kOperations));
    auto* const consumers =
        reinterpret_cast<hft_marker_consumer*>(static_cast<char*>(memory) + hft_marker_consumers_at(kOperations, kThreads));
    while (!stop_.load(std::memory_order_relaxed)) {
      for (uint32_t i = 0; i < kThreads; ++i) {
        const uint64_t published = __atomic_load_n(&producers[i].published, __ATOMIC_ACQUIRE);
        __atomic_store_n(&consumers[i].consumed, published, __ATOMIC_RELEASE);
        __atomic_store_n(&consumers[i].consumed_check, ~published, __ATOMIC_RELEASE);
      }
      Pace();
    }
    munmap(memory, bytes);
  }

  std::atomic<bool> stop_{false};
  std::thread thread_;
};

class CountingSpans : public OperationSpanSink {
 public:
  void OnSpan(const OperationSpan&) override { ++count; }
  uint64_t count = 0;
};

class BookSinks : public MarkerSinks {
 public:
  bool Wants(uint32_t) override { return true; }
  MarkerSink* Begin(const MarkerRingName&, const hft_marker_header&) override { return &book_; }
  void End(const MarkerRingName&, MarkerSink*, const MarkerRingFile::Counts&, const absl::Status&) override {}

 private:
  CountingSpans spans_;
  OperationBook book_{{.multiplier = uint64_t{1} << LinearConversion::kShift}, &spans_};
};

// MarkerReader in a thread, until it ends.
class Reading {
 public:
  Reading(const std::string& directory, int priority)
      : finder_(std::move(*MarkerRingFinder::Create(directory))),
        reader_({.finder = finder_.get(), .processes = &processes_, .clocks = &clocks_, .sinks = &sinks_}, {.idle_interval_ns = 1'000'000}),
        thread_([this, priority] {
          TakePriority(priority);
          reader_.Run(stop_);
        }) {}
  ~Reading() {
    stop_.store(true, std::memory_order_relaxed);
    thread_.join();
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

 private:
  const SystemRawClocks clocks_;
  const ProcMarkerProcesses processes_{FileRoot("/")};
  BookSinks sinks_;
  std::atomic<bool> stop_{false};
  std::unique_ptr<MarkerRingFinder> finder_;
  MarkerReader reader_;
  std::thread thread_;
};

struct Pair {
  double with_per_s = 0;
  double without_per_s = 0;
  double records = 0;  // of the run with marks
  double dropped = 0;
};

RunResult RunOnce(const Plan& plan, int threads, const std::string& directory, bool marked) {
  Options options;
  options.duration_ns = static_cast<int64_t>(plan.seconds * 1e9);
  options.threads = threads;
  options.priority = plan.priority;
  options.markers = marked ? plan.level : MarkLevel::kOff;
  options.marker_directory = directory;
  const absl::StatusOr<RunResult> result = RunOrderBook(options);
  if (!result.ok() || !result->sound() || result->markers_on != marked) {
    std::fprintf(stderr, "order_book_marks_bench: a run failed: %s%s%s\n", result.status().ToString().c_str(),
                 result.ok() ? result->unsound.c_str() : "", result.ok() ? result->markers_reason.c_str() : "");
    std::exit(1);
  }
  return *result;
}

double At(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<size_t>(share * static_cast<double>(sorted.size() - 1) + 0.5)];
}

double Load() {
  double load = 0;
  return getloadavg(&load, 1) == 1 ? load : -1;
}

// The median ratio. `reader`: "nobody", "taken" or "reader".
double Measure(const Plan& plan, int threads, const std::string& reader) {
  const MarkerDirectory directory;
  std::vector<Pair> pairs;
  const double load_before = Load();
  for (int i = 0; i < plan.pairs; ++i) {
    Pair pair;
    for (const bool marked : {i % 2 == 0, i % 2 != 0}) {
      std::unique_ptr<Taker> taker;
      std::unique_ptr<Reading> reading;
      if (marked && reader == "taken")
        taker = std::make_unique<Taker>(fmt::format("{}/hftmon.{}.0", directory.path(), getpid()), plan.priority);
      if (marked && reader == "reader") reading = std::make_unique<Reading>(directory.path(), plan.priority);
      const RunResult result = RunOnce(plan, threads, directory.path(), marked);
      (marked ? pair.with_per_s : pair.without_per_s) = result.orders_per_s();
      pair.records += static_cast<double>(result.mark_counts.record_count);
      pair.dropped += static_cast<double>(result.mark_counts.dropped_count);
    }
    pairs.push_back(pair);
  }
  std::vector<double> ratios;
  std::vector<double> without;
  double records = 0;
  double dropped = 0;
  for (const Pair& pair : pairs) {
    ratios.push_back(pair.with_per_s / pair.without_per_s);
    without.push_back(pair.without_per_s);
    records += pair.records;
    dropped += pair.dropped;
  }
  std::sort(ratios.begin(), ratios.end());
  std::sort(without.begin(), without.end());
  fmt::print(
      "{{\"bench\": \"order_book_marks\", \"marks\": \"{}\", \"threads\": {}, \"reader\": \"{}\", \"priority\": {}, \"pairs\": {}, "
      "\"ratio_median\": {:.4f}, \"ratio_p25\": {:.4f}, \"ratio_p75\": {:.4f}, \"ratio_min\": {:.4f}, \"ratio_max\": {:.4f}, "
      "\"orders_per_s_without\": {:.0f}, \"dropped_share\": {:.4f}, \"load_before\": {:.1f}, \"load_after\": {:.1f}}}\n",
      plan.level == MarkLevel::kAll ? "all" : "order", threads, reader, plan.priority, plan.pairs, At(ratios, 0.5), At(ratios, 0.25),
      At(ratios, 0.75), ratios.front(), ratios.back(), At(without, 0.5), dropped / (records + dropped), load_before, Load());
  std::fflush(stdout);
  return At(ratios, 0.5);
}

int Main(int argc, char** argv) {
  Plan plan;
  if (argc > 1) plan.pairs = std::atoi(argv[1]);
  if (argc > 2) plan.seconds = std::strtod(argv[2], nullptr);
  if (argc > 3) plan.priority = std::atoi(argv[3]);
  if (argc > 4) plan.level = std::string(argv[4]) == "all" ? MarkLevel::kAll : MarkLevel::kOrder;
  if (argc > 5) plan.reader = argv[5];
  if (plan.pairs < 1 || plan.pairs > 1'000 || !(plan.seconds >= 0.1 && plan.seconds <= 60) || plan.priority < 0 || plan.priority > 98) {
    std::fprintf(stderr, "order_book_marks_bench: give 1 to 1000 pairs, 0.1 to 60 seconds and a priority from 0 to 98\n");
    return 1;
  }
  const bool two_cpus = std::thread::hardware_concurrency() >= 2;
  const auto wanted = [&](const char* reader) { return plan.reader.empty() || plan.reader == reader; };
  double worst = 1;
  if (wanted("nobody")) worst = std::min(worst, Measure(plan, 1, "nobody"));
  if (wanted("nobody") && two_cpus) worst = std::min(worst, Measure(plan, 2, "nobody"));
  if (wanted("taken") && two_cpus) Measure(plan, 1, "taken");
  if (wanted("reader") && two_cpus) Measure(plan, 1, "reader");
  return plan.level == MarkLevel::kAll || worst >= kGate ? 0 : 2;
}

}  // namespace
}  // namespace hftmon

int main(int argc, char** argv) {
  return hftmon::Main(argc, argv);
}
