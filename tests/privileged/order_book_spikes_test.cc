// The matching engine disturbs itself in known ways; each order that it hit is a spike whose first cause is that disturbance.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;

constexpr int64_t kThresholdNs = 500'000;
constexpr int kEventsMax = 20;
constexpr int64_t kStarvedNs = 20'000'000;  // of a run of a second or so

struct Tally {
  int events = 0;
  bool marks_read = false;
  int disturbed = 0;             // an order that others than the injection made twice as long
  int untold = 0;                // of which the daemon says that its reader could not tell
  int64_t reader_waited_ns = 0;  // for a CPU, by the kernel's own count
  int found = 0;
  int right = 0;
  std::string wrong;
};

class OrderBookSpikesTest : public PrivilegedTest {
 protected:
  absl::Status AttachRule() const {
    v1::AttachRequest request;
    request.add_selectors()->set_name("order_book");
    request.mutable_options()->set_operation_threshold_ns(kThresholdNs);
    request.mutable_options()->add_probe_groups("locks");
    request.mutable_options()->add_probe_groups("memory");
    return daemon_.client().Attach(request).status();
  }
  // In one thread of real time, for less than a second: longer would be throttled.
  json RunBook(const std::string& kind) const {
    const CommandResult run = RunCommand({BinaryPath("order_book"),
                                          "--threads",
                                          "1",
                                          "--cpus",
                                          CpuArgument(),
                                          "--priority",
                                          "10",
                                          "--rate",
                                          "20000",
                                          "--duration",
                                          "900ms",
                                          "--inject",
                                          kind,
                                          "--inject-every",
                                          "30ms",
                                          "--inject-length",
                                          "2ms",
                                          "--inject-count",
                                          std::to_string(kEventsMax),
                                          "--until-injected",
                                          "--json"});
    EXPECT_TRUE(run.exit_code == 0) << kind << ": " << run.exit_code << " " << run.error;
    return json::parse(run.output, nullptr, false);
  }
  std::vector<v1::Spike> SlowOrders(pid_t tid) const {
    v1::DetectSpikesRequest request;
    request.set_max_spikes(100'000);
    std::vector<v1::Spike> orders;
    const auto answer = daemon_.client().DetectSpikes(request);
    EXPECT_TRUE(answer.ok()) << answer.status();
    if (!answer.ok()) return orders;
    for (const v1::Spike& spike : answer->spikes()) {
      const bool is_order = spike.kind() == "operation" && spike.operation().name() == "order";
      const bool is_loop = spike.kind() == "gap" && spike.operation().name() == "engine";
      if (spike.thread().tid() == tid && (is_order || is_loop)) orders.push_back(spike);
    }
    return orders;
  }
  // The order that it hit, or between two orders the engine's loop.
  static const v1::Spike* OrderOf(const std::vector<v1::Spike>& orders, const json& event) {
    const int64_t begin_ns = event["start_mono_ns"];
    const int64_t duration_ns = event["duration_ns"];
    const v1::Spike* gap = nullptr;
    for (const v1::Spike& order : orders) {
      const int64_t overlap_ns = std::min(begin_ns + duration_ns, order.start_monotonic_ns() + order.duration_ns()) -
                                 std::max(begin_ns, order.start_monotonic_ns());
      if (overlap_ns <= duration_ns / 2) continue;
      if (order.kind() == "operation") return &order;
      gap = &order;
    }
    return gap;
  }
  // Source: /proc/PID/task/TID/schedstat, second number, of the thread that reads marks.
  int64_t ReaderWaitedNs() const {
    const std::filesystem::path tasks = "/proc/" + std::to_string(daemon_.pid()) + "/task";
    for (const auto& task : std::filesystem::directory_iterator(tasks)) {
      std::string name;
      std::ifstream(task.path() / "comm") >> name;
      if (name != "hftmon_markers") continue;
      int64_t ran_ns = 0;
      int64_t waited_ns = 0;
      std::ifstream(task.path() / "schedstat") >> ran_ns >> waited_ns;
      return waited_ns;
    }
    ADD_FAILURE() << "the daemon has no thread that reads marks";
    return 0;
  }
  // The daemon says that its reader had no CPU in time to tell what short stalls took.
  static bool HasNoTellingLooks(const v1::Spike& order) {
    return order.inconclusive() && order.inconclusive_reason().find("too long to tell") != std::string::npos;
  }
  using IsRight = std::function<bool(const v1::Cause&, const json& detail)>;
  // Of one kind of injection: how many orders have it as their first cause.
  Tally Count(const std::string& kind, const IsRight& is_right) const {
    Tally tally;
    const int64_t waited_before_ns = ReaderWaitedNs();
    const json truth = RunBook(kind);
    tally.reader_waited_ns = ReaderWaitedNs() - waited_before_ns;
    if (!truth.is_object()) return tally;
    const json& injection = truth["injections"][0];
    const pid_t engine = truth["threads"]["engine"]["tid"];
    tally.events = static_cast<int>(injection["events"].size());
    std::vector<v1::Spike> orders;
    // A spike comes some 15 ms after its order.
    Eventually([&] {
      orders = SlowOrders(engine);
      return std::all_of(injection["events"].begin(), injection["events"].end(), [&](const json& event) { return OrderOf(orders, event); });
    });
    v1::QueryOperationsRequest request;
    const auto operations = daemon_.client().QueryOperations(request);
    tally.marks_read = operations.ok() && operations->programs_size() > 0;
    for (const json& event : injection["events"]) {
      const v1::Spike* order = OrderOf(orders, event);
      if (order == nullptr) continue;
      ++tally.found;
      ExpectExactBudget(*order);
      if (order->duration_ns() > 2 * event["duration_ns"].get<int64_t>()) {
        ++tally.disturbed;
      } else if (HasNoTellingLooks(*order)) {
        ++tally.untold;
      } else if (order->causes_size() > 0 && order->causes(0).duration_ns() > order->unexplained_ns() &&
                 is_right(order->causes(0), injection["detail"])) {
        ++tally.right;
      } else {
        tally.wrong = order->DebugString();
      }
    }
    std::printf("%s: %d events, %d orders found, %d first causes right, %d disturbed by others, %d untold; the reader waited %.1f ms\n",
                kind.c_str(), tally.events, tally.found, tally.right, tally.disturbed, tally.untold,
                static_cast<double>(tally.reader_waited_ns) / 1e6);
    return tally;
  }
  static IsRight OfKind(const std::string& kind) {
    return [kind](const v1::Cause& cause, const json&) { return cause.kind() == kind; };
  }
};

// Each page fault is far too short for a record of its own: their sum is what is known of them.
TEST_F(OrderBookSpikesTest, TheFirstCauseOfASlowOrderIsWhatWasDoneToIt) {
  ASSERT_TRUE(AttachRule().ok());
  const std::vector<std::pair<std::string, IsRight>> kinds = {
      {"preemptor", [](const v1::Cause& cause,
                       const json& detail) { return cause.kind() == "thread" && cause.actor().tid() == detail["tid"].get<int>(); }},
      {"sleep", OfKind("blocked")},
      {"lock_convoy", OfKind("blocked")},
      {"priority_inversion", OfKind("blocked")},
      {"page_faults", OfKind("fault")}};
  Tally all;
  std::string excused;
  for (const auto& [kind, is_right] : kinds) {
    const Tally tally = Count(kind, is_right);
    ASSERT_GT(tally.events, 0) << "the injection never happened";
    // What the daemon's reader could not tell is excused by the kernel's word alone that it had no CPU; and the last order of a program
    // that has ended since, with the one before.
    const bool starved = tally.reader_waited_ns > kStarvedNs;
    if (!starved) {
      EXPECT_TRUE(tally.marks_read) << kind << ": the marks of a whole run were not read";
      EXPECT_LE(tally.untold, 2) << kind;
    }
    if (!tally.marks_read || 4 * (tally.disturbed + tally.untold) > tally.events) {
      excused += fmt::format("{}: others took the CPU from {} of {} orders, or from the daemon's reader ({} ms); ", kind, tally.disturbed,
                             tally.events, tally.reader_waited_ns / 1'000'000);
      continue;
    }
    all.events += tally.events;
    all.found += tally.found;
    all.right += tally.right;
    all.disturbed += tally.disturbed + tally.untold;
    if (!tally.wrong.empty()) all.wrong = tally.wrong;
    EXPECT_GT(tally.right, 0) << kind << "\n" << tally.wrong;
    EXPECT_GE(10 * (tally.right + tally.disturbed + tally.untold), 8 * tally.events) << kind << "\n" << tally.wrong;
  }
  std::printf("%d of %d right, %d disturbed by others\n", all.right, all.events, all.disturbed);
  // The kernel hides a switch in a hundred or so from programs on some hosts (`status`: unseen_switch_ins).
  EXPECT_GE(100 * all.right, 95 * (all.events - all.disturbed)) << all.wrong;
  if (!excused.empty()) GTEST_SKIP() << excused;
}

}  // namespace
}  // namespace hftmon::testing
