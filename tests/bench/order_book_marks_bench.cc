// order_book_marks_bench: what marks cost the order book, as the ratio of its throughput with marks to that without, in pairs of runs one
// after the other, whose order alternates.
//
// Prints one JSON line for each way of reading and number of threads: the median of the pairs' ratios, their quartiles and extremes; and
// the same of the orders in a second of the engine's own CPU time ("cpu_ratio"), which does not count what other programs take of it.
// "nobody": no reader; "reader": MarkerReader into the book of operations, paced as the daemon has it. The last wants a CPU besides the
// book's, so it is measured with one thread of it where there are two CPUs, and with two as well, where the reader takes its CPU from them.
// Usage: order_book_marks_bench [pairs, default 10] [seconds of each run, default 2] [SCHED_FIFO priority, default 0: none] [order|all]
// [nobody|reader, default each].
// Exit code: 1 when a run fails or is not sound, 2 when the gate is missed, else 0. The gate: nobody reads, order.
#include <fmt/format.h>
#include <sched.h>
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
constexpr int64_t kPollIntervalNs = 2'000'000;  // MarkerThread's

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

class CountingSpans : public OperationSpanSink {
 public:
  void OnSpan(const OperationSpan&) override { ++count; }
  uint64_t count = 0;
};

class BookSinks : public MarkerSinks {
 public:
  bool Wants(uint32_t) override { return true; }
  MarkerSink* Begin(const MarkerRingName&, const hft_marker_header&) override { return &book_; }
  void End(const MarkerRingName&, MarkerSink*, const MarkerRingFile::Counts& told, const absl::Status&) override {
    counts.delivered_count += told.delivered_count;
    counts.overwritten_count += told.overwritten_count;
  }
  MarkerRingFile::Counts counts;

 private:
  CountingSpans spans_;
  OperationBook book_{{.multiplier = uint64_t{1} << LinearConversion::kShift}, &spans_};
};

// MarkerReader in a thread, until it ends.
class Reading {
 public:
  Reading(const std::string& directory, int priority)
      : finder_(std::move(*MarkerRingFinder::Create(directory))),
        reader_({.finder = finder_.get(), .processes = &processes_, .clocks = &clocks_, .sinks = &sinks_},
                {.poll_interval_ns = kPollIntervalNs, .idle_interval_ns = 1'000'000}),
        thread_([this, priority] {
          TakePriority(priority);
          reader_.Run(stop_);
        }) {}
  ~Reading() { End(); }
  // What it read, once it has ended.
  MarkerRingFile::Counts End() {
    stop_.store(true, std::memory_order_relaxed);
    if (thread_.joinable()) thread_.join();
    return sinks_.counts;
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
  double with_per_cpu_s = 0;
  double without_per_cpu_s = 0;
  double records = 0;  // of the run with marks
  double read = 0;
  double lost = 0;
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

// The median ratio. `reader`: "nobody" or "reader".
double Measure(const Plan& plan, int threads, const std::string& reader) {
  const MarkerDirectory directory;
  std::vector<Pair> pairs;
  const double load_before = Load();
  for (int i = 0; i < plan.pairs; ++i) {
    Pair pair;
    for (const bool marked : {i % 2 == 0, i % 2 != 0}) {
      std::unique_ptr<Reading> reading;
      if (marked && reader == "reader") reading = std::make_unique<Reading>(directory.path(), plan.priority);
      const RunResult result = RunOnce(plan, threads, directory.path(), marked);
      (marked ? pair.with_per_s : pair.without_per_s) = result.orders_per_s();
      (marked ? pair.with_per_cpu_s : pair.without_per_cpu_s) =
          static_cast<double>(result.sent_count) * 1e9 / static_cast<double>(std::max<int64_t>(result.engine_cpu_ns, 1));
      pair.records += static_cast<double>(result.mark_count);
      if (reading == nullptr) continue;
      const MarkerRingFile::Counts counts = reading->End();
      pair.read += static_cast<double>(counts.delivered_count);
      pair.lost += static_cast<double>(counts.overwritten_count);
    }
    pairs.push_back(pair);
  }
  std::vector<double> ratios;
  std::vector<double> cpu_ratios;
  std::vector<double> without;
  double records = 0;
  double read = 0;
  double lost = 0;
  for (const Pair& pair : pairs) {
    ratios.push_back(pair.with_per_s / pair.without_per_s);
    cpu_ratios.push_back(pair.with_per_cpu_s / pair.without_per_cpu_s);
    without.push_back(pair.without_per_s);
    records += pair.records;
    read += pair.read;
    lost += pair.lost;
  }
  std::sort(ratios.begin(), ratios.end());
  std::sort(cpu_ratios.begin(), cpu_ratios.end());
  std::sort(without.begin(), without.end());
  fmt::print(
      "{{\"bench\": \"order_book_marks\", \"marks\": \"{}\", \"threads\": {}, \"reader\": \"{}\", \"priority\": {}, \"pairs\": {}, "
      "\"ratio_median\": {:.4f}, \"ratio_p25\": {:.4f}, \"ratio_p75\": {:.4f}, \"ratio_min\": {:.4f}, \"ratio_max\": {:.4f}, "
      "\"cpu_ratio_median\": {:.4f}, \"cpu_ratio_p25\": {:.4f}, \"cpu_ratio_p75\": {:.4f}, \"orders_per_s_without\": {:.0f}, \"records\": "
      "{:.0f}, \"read\": {:.0f}, \"lost\": {:.0f}, \"load_before\": {:.1f}, \"load_after\": "
      "{:.1f}}}\n",
      plan.level == MarkLevel::kAll ? "all" : "order", threads, reader, plan.priority, plan.pairs, At(ratios, 0.5), At(ratios, 0.25),
      At(ratios, 0.75), ratios.front(), ratios.back(), At(cpu_ratios, 0.5), At(cpu_ratios, 0.25), At(cpu_ratios, 0.75), At(without, 0.5),
      records, read, lost, load_before, Load());
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
  if (wanted("reader") && two_cpus) Measure(plan, 1, "reader");
  if (wanted("reader") && two_cpus) Measure(plan, 2, "reader");
  return plan.level == MarkLevel::kAll || worst >= kGate ? 0 : 2;
}

}  // namespace
}  // namespace hftmon

int main(int argc, char** argv) {
  return hftmon::Main(argc, argv);
}
