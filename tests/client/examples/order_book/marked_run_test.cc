// The marks of the order book, read back by the daemon's reader: their counts, their order, what a ring keeps, and what a run without says.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <thread>

#include "client/examples/order_book/report.h"
#include "client/examples/order_book/run.h"
#include "daemon/markers/marker_reader.h"
#include "daemon/markers/operation_book.h"
#include "tests/fakes/marker_directory.h"

namespace hftmon::order_book {
namespace {

using nlohmann::json;

class CollectingSpans : public OperationSpanSink {
 public:
  void OnSpan(const OperationSpan& span) override { spans.push_back(span); }
  std::vector<OperationSpan> spans;
};

// Remembers what one file told, and what the daemon's book makes of it.
class CollectingSinks : public MarkerSinks, public MarkerSink {
 public:
  bool Wants(uint32_t pid) override { return pid == static_cast<uint32_t>(getpid()); }
  MarkerSink* Begin(const MarkerRingName&, const hft_marker_header&) override {
    begun = true;
    return this;
  }
  void End(const MarkerRingName&, MarkerSink*, const MarkerRingFile::Counts& told, const absl::Status&) override {
    counts = told;
    ended = true;
  }
  void OnOperation(uint32_t operation, std::string_view name) override {
    recording.OnOperation(operation, name);
    book.OnOperation(operation, name);
  }
  void OnRecords(std::span<const MarkerRecord> records) override {
    recording.OnRecords(records);
    book.OnRecords(records);
  }

  std::vector<MarkerRecord> Of(const std::string& name, MarkerKind kind) const {
    std::vector<MarkerRecord> found;
    for (const MarkerRecord& record : recording.records) {
      if (recording.names[record.operation] == name && record.kind == kind) found.push_back(record);
    }
    return found;
  }
  const OperationEntry& Entry(const std::string& name) const {
    for (const OperationEntry& entry : book.operations()) {
      if (entry.name == name) return entry;
    }
    static const OperationEntry kNone;
    return kNone;
  }

  RecordingMarkerSink recording;
  CollectingSpans spans;
  OperationBook book{{.multiplier = uint64_t{1} << LinearConversion::kShift}, &spans};
  MarkerRingFile::Counts counts;
  bool begun = false;
  bool ended = false;
};

// A run of `options` in a directory of its own, drained meanwhile or not at all.
class MarkedRun {
 public:
  // Reads until the run's file has ended.
  explicit MarkedRun(Options options) {
    options.marker_directory = directory_.path();
    const SystemRawClocks clocks;
    const ProcMarkerProcesses processes{FileRoot("/")};
    const auto finder = std::move(*MarkerRingFinder::Create(directory_.path()));
    MarkerReader reader({.finder = finder.get(), .processes = &processes, .clocks = &clocks, .sinks = &sinks}, {.life_interval_ns = 0});
    std::atomic<bool> over{false};
    std::thread reading([&] {
      while (!over.load(std::memory_order_acquire) || (sinks.begun && !sinks.ended)) {
        if (!reader.RunOnce()) std::this_thread::yield();
      }
    });
    auto run = RunOrderBook(options);
    over.store(true, std::memory_order_release);
    reading.join();
    EXPECT_TRUE(run.ok()) << run.status();
    if (run.ok()) result = *std::move(run);
    report = json::parse(ReportJson(result, true).dump());
  }

  CollectingSinks sinks;
  RunResult result;
  json report;

 private:
  const MarkerDirectory directory_;
};

// So few in a second that a reader which waits for its CPU loses none: the ring holds 524,288.
Options Paced(uint64_t orders, int threads, MarkLevel level) {
  Options options;
  options.duration_ns = 60'000'000'000;
  options.orders_max = orders;
  options.rate_per_s = 20'000;
  options.threads = threads;
  options.markers = level;
  return options;
}

void ExpectEachOrderOnce(const MarkedRun& run, uint64_t orders) {
  EXPECT_TRUE(run.result.sound());
  EXPECT_EQ(run.report["markers"]["on"], true);
  EXPECT_FALSE(run.report["markers"].contains("reason"));
  EXPECT_EQ(run.report["markers"]["records"], run.sinks.counts.delivered_count);
  EXPECT_EQ(run.sinks.counts.faults.record_count(), 0u);
  EXPECT_EQ(run.sinks.counts.overwritten_count, 0u);
  // In one thread an order begins with the gateway's step.
  const uint64_t sent_count = run.result.placement.threads == 1 ? 0 : orders;
  for (const auto& [name, kind, count] :
       {std::tuple{"order", MarkerKind::kBegin, orders}, {"order", MarkerKind::kEnd, orders}, {"sent", MarkerKind::kInstant, sent_count}}) {
    const std::vector<MarkerRecord> marks = run.sinks.Of(name, kind);
    ASSERT_EQ(marks.size(), count) << name;
    for (uint64_t i = 0; i < count; ++i) ASSERT_EQ(marks[i].value, i + 1) << name;
  }
  const OperationLosses& losses = run.sinks.book.losses();
  EXPECT_EQ(losses.gap_record_count + losses.begin_lost_count + losses.begin_replaced_count + losses.begin_evicted_count +
                losses.begin_unfinished_count + losses.end_without_begin_count,
            0u);
  EXPECT_EQ(run.sinks.Entry("order").spans.count, orders);
  EXPECT_GT(run.sinks.Entry("engine").heartbeats.count, 0u);
}

constexpr uint64_t kOrders = 8'000;

TEST(MarkedRunTest, OneThreadMarksEachOrderOnce) {
  const MarkedRun run(Paced(kOrders, 1, MarkLevel::kOrder));
  ExpectEachOrderOnce(run, kOrders);
  EXPECT_EQ(run.report["markers"]["marks"], "order");
  for (const char* part : {"match", "cancel", "modify"}) EXPECT_EQ(run.sinks.Entry(part).spans.count, 0u) << part;
}

TEST(MarkedRunTest, TwoThreadsHaveARingEachAndKeepTheOrder) {
  if (sysconf(_SC_NPROCESSORS_ONLN) < 2) GTEST_SKIP() << "one CPU: gateway and engine share a thread";
  const MarkedRun run(Paced(kOrders, 2, MarkLevel::kOrder));
  ExpectEachOrderOnce(run, kOrders);
  const std::vector<MarkerRecord> sent = run.sinks.Of("sent", MarkerKind::kInstant);
  const std::vector<MarkerRecord> begun = run.sinks.Of("order", MarkerKind::kBegin);
  const std::vector<MarkerRecord> done = run.sinks.Of("order", MarkerKind::kEnd);
  for (size_t i = 0; i < sent.size(); ++i) {
    EXPECT_NE(sent[i].ring, begun[i].ring);
    EXPECT_EQ(sent[i].tid, static_cast<uint32_t>(run.result.gateway_tid));
    EXPECT_EQ(begun[i].tid, static_cast<uint32_t>(run.result.engine_tid));
    EXPECT_LE(sent[i].tsc, done[i].tsc);
  }
}

TEST(MarkedRunTest, PartsLieWithinTheirOrder) {
  const MarkedRun run(Paced(kOrders, 1, MarkLevel::kAll));
  ExpectEachOrderOnce(run, kOrders);
  EXPECT_EQ(run.report["markers"]["marks"], "all");
  EXPECT_EQ(run.sinks.Entry("match").spans.count, run.report["limits"].get<uint64_t>() + run.report["markets"].get<uint64_t>());
  EXPECT_EQ(run.sinks.Entry("cancel").spans.count, run.report["cancels"]);
  EXPECT_EQ(run.sinks.Entry("modify").spans.count, run.report["modifies"]);
  uint64_t open_order = 0;
  uint64_t open_part = 0;
  for (const MarkerRecord& record : run.sinks.recording.records) {
    if (record.kind != MarkerKind::kBegin && record.kind != MarkerKind::kEnd) continue;
    uint64_t& open = run.sinks.recording.names[record.operation] == "order" ? open_order : open_part;
    // A part opens and closes while its order is open; an order while no part is.
    if (&open == &open_part) {
      ASSERT_EQ(open_order, record.value);
    } else {
      ASSERT_EQ(open_part, 0u);
    }
    ASSERT_EQ(open, record.kind == MarkerKind::kBegin ? 0 : record.value);
    open = record.kind == MarkerKind::kBegin ? record.value : 0;
  }
  EXPECT_EQ(open_order, 0u);
}

// The engine sleeps within an order: that order's span is no shorter than the sleep that the run itself measured, but the part is not in
// it.
TEST(MarkedRunTest, AnInjectionLiesWithinTheOrderAndBeforeItsPart) {
  Options options = Paced(kOrders, 1, MarkLevel::kAll);
  options.inject = {"sleep"};
  options.inject_every_ns = 50'000'000;
  options.inject_length_ns = 5'000'000;
  options.inject_count = 3;
  const MarkedRun run(options);
  const std::vector<MarkerRecord> begun = run.sinks.Of("order", MarkerKind::kBegin);
  const std::vector<MarkerRecord> done = run.sinks.Of("order", MarkerKind::kEnd);
  const std::vector<MarkerRecord> parts = run.sinks.Of("match", MarkerKind::kBegin);
  ASSERT_EQ(begun.size(), done.size());
  const json& events = run.report["injections"][0]["events"];
  ASSERT_EQ(events.size(), 3u);
  for (const json& event : events) {
    const uint64_t tsc = event["start_tsc"].get<uint64_t>();
    const auto after = std::find_if(done.begin(), done.end(), [&](const MarkerRecord& record) { return record.tsc >= tsc; });
    ASSERT_NE(after, done.end());
    EXPECT_LE(begun[static_cast<size_t>(after - done.begin())].tsc, tsc);
    for (const MarkerRecord& part : parts) {
      if (part.value == after->value) {
        EXPECT_GE(part.tsc, tsc);
      }
    }
  }
}

TEST(MarkedRunTest, WithoutAReaderEachOrderIsMarkedAllTheSame) {
  for (const int threads : {1, 2}) {
    const MarkerDirectory directory;
    Options options;
    options.duration_ns = 60'000'000'000;
    options.orders_max = 400'000;  // more than a ring holds
    options.queue_capacity = 4'096;
    options.threads = threads;
    options.marker_directory = directory.path();
    const auto result = RunOrderBook(options);
    if (!result.ok() && threads == 2) continue;  // one CPU
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_TRUE(result->sound());
    EXPECT_TRUE(result->markers_on);
    // Heartbeats come on top.
    const auto marks_an_order = static_cast<uint64_t>(1 + threads);  // begin and end; with a thread of its own the gateway marks too
    EXPECT_GE(result->mark_count, marks_an_order * 400'000 + static_cast<unsigned>(threads));
  }
}

TEST(MarkedRunTest, WithoutARingTheRunSaysWhyAndGoesOn) {
  Options options = Paced(100, 1, MarkLevel::kOrder);
  options.marker_directory = "/nonexistent";
  const auto result = RunOrderBook(options);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(result->sound());
  EXPECT_EQ(result->sent_count, 100u);
  const json markers = json::parse(ReportJson(*result, true).dump())["markers"];
  EXPECT_EQ(markers["on"], false);
  EXPECT_EQ(markers["records"], 0);
  EXPECT_THAT(markers["reason"].get<std::string>(),
              testing::AllOf(testing::HasSubstr("/nonexistent"), testing::HasSubstr("No such file"), testing::HasSubstr("--markers off")));
  EXPECT_THAT(ReportText(*result), testing::HasSubstr("not marked: "));
}

TEST(MarkedRunTest, MarkersOffIsSilent) {
  const MarkedRun run(Paced(100, 1, MarkLevel::kOff));
  EXPECT_TRUE(run.sinks.recording.records.empty());
  EXPECT_EQ(run.report["markers"], json({{"on", false}, {"records", 0}}));
}

}  // namespace
}  // namespace hftmon::order_book
