// A program that marks: --count operations "order" of --spin-ns each, one in ten with an error, an instant for each, from each of --threads
// threads, and a heartbeat between two. Knows how long it measured its operations itself, by the same counter. --rate: records a second and
// thread at most, kept by resting between bursts of a millisecond's; what a thread that did not run is late by is not made up for.
#include <algorithm>
#include <cstdlib>
#include <thread>
#include <vector>

#include "client/marker/hftmon_marker.h"
#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace hftmon::workload {
namespace {

constexpr uint64_t kRecordsOfAnOrder = 4;

struct Truth {
  uint64_t order_ticks = 0;  // sum, from before the begin to after the end
  uint64_t record_count = 0;
};

struct Plan {
  hftmon_marker* marker = nullptr;
  uint64_t count = 0;
  int64_t spin_ns = 0;
  uint64_t rate_hz = 0;  // records; 0: as fast as it goes
};

// Rests after each millisecond's worth of records.
class Pace {
 public:
  explicit Pace(uint64_t rate_hz) : burst_(rate_hz / 1'000 / kRecordsOfAnOrder), due_ns_(NowNs()) {}
  void AfterOrder() {
    if (burst_ == 0 || ++orders_ % burst_ != 0) return;
    due_ns_ = std::max(due_ns_, NowNs()) + 1'000'000;
    SleepUntil(due_ns_);
  }

 private:
  const uint64_t burst_;
  uint64_t orders_ = 0;
  int64_t due_ns_;
};

Truth Mark(const Plan& plan) {
  Truth truth;
  hftmon_marker_thread* thread = hftmon_marker_thread_open(plan.marker);
  const uint32_t order = hftmon_marker_operation(plan.marker, "order");
  const uint32_t seen = hftmon_marker_operation(plan.marker, "seen");
  const uint32_t loop = hftmon_marker_operation(plan.marker, "loop");
  Pace pace(plan.rate_hz);
  for (uint64_t i = 0; i < plan.count; ++i) {
    hftmon_marker_heartbeat(thread, loop, i);
    hftmon_marker_instant(thread, seen, i);
    const uint64_t begin = hftmon_marker_tsc();
    hftmon_marker_begin(thread, order, i);
    const int64_t until_ns = plan.spin_ns > 0 ? NowNs() + plan.spin_ns : 0;
    while (until_ns != 0 && NowNs() < until_ns) {
    }
    if (i % 10 == 0) {
      hftmon_marker_end_error(thread, order, i);
    } else {
      hftmon_marker_end(thread, order, i);
    }
    truth.order_ticks += hftmon_marker_tsc() - begin;
    pace.AfterOrder();
  }
  truth.record_count = hftmon_marker_published_count(thread);
  hftmon_marker_thread_close(thread);
  return truth;
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"count", "spin-ns", "threads", "rate"}, {"interactive"});
  Plan plan;
  plan.count = static_cast<uint64_t>(arguments.Number("count", 1'000, 1, 100'000'000));
  plan.spin_ns = arguments.Number("spin-ns", 2'000, 0, 1'000'000);
  plan.rate_hz = static_cast<uint64_t>(arguments.Number("rate", 0, 0, 100'000'000));
  const int64_t thread_count = arguments.Number("threads", 1, 1, 64);
  LimitLifetime(120);
  plan.marker = hftmon_marker_create(nullptr);
  Session session(arguments.Flag("interactive"));
  session.Ready({{"refused", plan.marker == nullptr ? "no marker file can be made" : ""}});
  std::vector<Truth> truths(static_cast<size_t>(thread_count));
  std::vector<std::thread> threads;
  for (Truth& truth : truths) threads.emplace_back([&truth, &plan] { truth = Mark(plan); });
  for (std::thread& thread : threads) thread.join();
  Truth sum;
  for (const Truth& truth : truths) {
    sum.order_ticks += truth.order_ticks;
    sum.record_count += truth.record_count;
  }
  session.Result({{"workload", "marking"}, {"order_ticks", sum.order_ticks}, {"record_count", sum.record_count}});
  hftmon_marker_close(plan.marker);
  return 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
