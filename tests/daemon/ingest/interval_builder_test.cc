#include "daemon/ingest/interval_builder.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

namespace hftmon {
namespace {

constexpr ThreadKey kThread{100, 90, 7};

// Puts runners into a record as the kernel would: two inline, the rest in continuation cells.
void SetRunners(RingRecord* record, hft_runner* inline_runners, uint8_t* count, const std::vector<hft_runner>& runners) {
  *count = static_cast<uint8_t>(runners.size());
  for (size_t i = 0; i < runners.size(); ++i) {
    if (i < HFT_INLINE_RUNNERS) {
      inline_runners[i] = runners[i];
    } else {
      const size_t beyond = i - HFT_INLINE_RUNNERS;
      ContinuationCell& cell = record->continuation[beyond / HFT_RUNNERS_PER_CELL];
      cell.header.type = HFT_RECORD_RUNNERS;
      cell.runners.runners[beyond % HFT_RUNNERS_PER_CELL] = runners[i];
      record->continuation_count = static_cast<uint8_t>(beyond / HFT_RUNNERS_PER_CELL + 1);
    }
  }
}

class IntervalBuilderTest : public testing::Test {
 protected:
  // A wait on CPU 3 from clock 1000 to 2000, off the CPU since 500.
  RingRecord SwitchIn(const std::vector<hft_runner>& runners) {
    RingRecord record{};
    hft_switch_in& in = record.switch_in;
    in.header = {0, HFT_RECORD_SWITCH_IN, 0, 3, 77};
    in.tid = kThread.tid;
    in.in_clock_ns = 2000;
    in.out_clock_ns = 500;
    in.queued_clock_ns = 1000;
    in.wait_ns = 1000;
    in.slot = 5;
    in.out.cpu = 2;
    in.out.kind = HFT_SWITCH_USER_PREEMPTION;
    in.out.syscall = -1;
    std::memcpy(in.prev_comm, "worker", 7);
    SetRunners(&record, record.switch_in.runners, &record.switch_in.runner_count, runners);
    return record;
  }
  const OffCpuInterval& Build(const RingRecord& record, std::span<const WaitPart> earlier = {}) {
    BuildInterval(record, kThread, earlier, {devices_, {}}, &interval_, &counters_);
    CheckInvariants();
    return interval_;
  }
  void CheckInvariants() {
    int64_t waits_ns = 0;
    ASSERT_LE(interval_.segment_count, kWaitSegmentsMax);
    ASSERT_LE(interval_.span_count, kRunnerSpansMax);
    uint16_t next_span = 0;
    for (int i = 0; i < interval_.segment_count; ++i) {
      const WaitSegment& segment = interval_.segments[i];
      ASSERT_GE(segment.wait_ns, 0);
      ASSERT_EQ(segment.first_span, next_span);
      int64_t spans_ns = 0;
      for (int j = 0; j < segment.span_count; ++j) {
        ASSERT_GT(interval_.spans[segment.first_span + j].duration_ns, 0);
        spans_ns += interval_.spans[segment.first_span + j].duration_ns;
      }
      ASSERT_LE(spans_ns, segment.wait_ns);
      ASSERT_TRUE(spans_ns == segment.wait_ns || interval_.runners_truncated);
      next_span = static_cast<uint16_t>(next_span + segment.span_count);
      waits_ns += segment.wait_ns;
    }
    ASSERT_EQ(next_span, interval_.span_count);
    ASSERT_LE(waits_ns, interval_.wait_ns);
  }

  std::array<hft_device_row, HFT_DEVICE_ROWS> devices_{};
  OffCpuInterval interval_;
  BuildCounters counters_;
};

TEST_F(IntervalBuilderTest, SpansCoverTheWaitExactly) {
  const OffCpuInterval& made = Build(SwitchIn({{900, 11, 1}, {1300, 12, 2}, {1450, 0, 0}, {1800, 11, 1}}));
  ASSERT_EQ(made.segment_count, 1);
  EXPECT_EQ(made.segments[0].cpu, 3);
  EXPECT_EQ(made.segments[0].wait_ns, 1000);
  ASSERT_EQ(made.span_count, 4);
  const int64_t expected[] = {300, 150, 350, 200};
  for (int i = 0; i < 4; ++i) EXPECT_EQ(made.spans[i].duration_ns, expected[i]);
  EXPECT_EQ(made.spans[1].tid, 12u);
  EXPECT_EQ(made.spans[1].tgid, 2u);
  EXPECT_FALSE(made.runners_truncated);
  EXPECT_EQ(made.off_cpu_ns, 1500);
  EXPECT_EQ(made.wait_ns, 1000);
  EXPECT_EQ(made.prev_tid, 11u);
  EXPECT_STREQ(made.prev_comm, "worker");
  EXPECT_EQ(made.end_mono_ns, 77);
  EXPECT_EQ(made.end_clock_ns, 2000);
  EXPECT_EQ(made.thread, kThread);
}

TEST_F(IntervalBuilderTest, ALogThatDoesNotReachBackLeavesTheBeginningUncovered) {
  const OffCpuInterval& made = Build(SwitchIn({{1400, 12, 2}, {1700, 11, 1}}));
  EXPECT_TRUE(made.runners_truncated);
  EXPECT_EQ(made.segments[0].wait_ns, 1000);
  ASSERT_EQ(made.span_count, 2);
  EXPECT_EQ(made.spans[0].duration_ns, 300);
  EXPECT_EQ(made.spans[1].duration_ns, 300);
}

TEST_F(IntervalBuilderTest, RunnersBeforeTheWaitAndAfterItsEndAreCut) {
  const OffCpuInterval& made = Build(SwitchIn({{100, 9, 9}, {900, 11, 1}, {2500, 12, 2}}));
  ASSERT_EQ(made.span_count, 1);
  EXPECT_EQ(made.spans[0].tid, 11u);
  EXPECT_EQ(made.spans[0].duration_ns, 1000);
}

TEST_F(IntervalBuilderTest, ASwitchOutThatWasNotSeenLeavesTheOffCpuTimeUnknown) {
  RingRecord record = SwitchIn({{900, 11, 1}});
  record.switch_in.out_clock_ns = 0;
  EXPECT_EQ(Build(record).off_cpu_ns, -1);
  EXPECT_EQ(counters_.discarded_count, 0u);
}

TEST_F(IntervalBuilderTest, AnEndBeforeItsStartIsDiscardedAndCounted) {
  RingRecord record = SwitchIn({{900, 11, 1}});
  record.switch_in.out_clock_ns = 3000;
  EXPECT_EQ(Build(record).off_cpu_ns, -1);
  EXPECT_EQ(counters_.discarded_count, 1u);
  record.switch_in.queued_clock_ns = 4000;
  EXPECT_EQ(Build(record).segments[0].wait_ns, 0);
  EXPECT_EQ(counters_.discarded_count, 3u);
}

TEST_F(IntervalBuilderTest, AWaitThatIsNotOnTheQueueHasNoSpans) {
  RingRecord record = SwitchIn({{900, 11, 1}});
  record.switch_in.queued_clock_ns = 0;
  record.switch_in.wait_ns = 0;
  const OffCpuInterval& made = Build(record);
  EXPECT_EQ(made.span_count, 0);
  EXPECT_EQ(made.segments[0].wait_ns, 0);
  EXPECT_FALSE(made.runners_truncated);
}

TEST_F(IntervalBuilderTest, MissingContinuationEndsTheLastKnownRunnerNowhere) {
  std::vector<hft_runner> runners;
  for (uint32_t i = 0; i < 12; ++i) runners.push_back({900 + 100ull * i, i + 1, 1});
  RingRecord record = SwitchIn(runners);
  record.continuation_count = 1;  // the second cell is lost: 9 of 12 runners
  record.continuation_incomplete = true;
  const OffCpuInterval& made = Build(record);
  EXPECT_TRUE(made.runners_truncated);
  EXPECT_EQ(made.span_count, 7);  // the first lies before the wait, the ninth has no known end
  EXPECT_EQ(made.prev_tid, 0u);
}

TEST_F(IntervalBuilderTest, EarlierCpusStandBeforeTheLastOne) {
  RingRecord move{};
  move.header = {0, HFT_RECORD_MIGRATION, 0, 1, 60};
  move.migration.from_cpu = 1;
  move.migration.from_clock_ns = 50'000;
  move.migration.wait_ns = 400;
  move.migration.queued = 1;
  SetRunners(&move, move.migration.runners, &move.migration.runner_count, {{49'000, 21, 2}, {49'900, 22, 2}});
  WaitPart part;
  BuildWaitPart(move, &part, &counters_);
  RingRecord record = SwitchIn({{900, 11, 1}});
  record.switch_in.out.wait_migrations = 1;
  record.switch_in.wait_ns = 1450;  // 50 ns between the two queues
  const OffCpuInterval& made = Build(record, {&part, 1});
  ASSERT_EQ(made.segment_count, 2);
  EXPECT_EQ(made.segments[0].cpu, 1);
  EXPECT_EQ(made.segments[0].wait_ns, 400);
  EXPECT_EQ(made.segments[1].cpu, 3);
  EXPECT_EQ(made.segments[1].wait_ns, 1000);
  ASSERT_EQ(made.span_count, 3);
  EXPECT_EQ(made.spans[0].duration_ns, 300);
  EXPECT_EQ(made.spans[1].duration_ns, 100);
  EXPECT_EQ(made.spans[2].duration_ns, 1000);
  EXPECT_FALSE(made.runners_truncated);
}

TEST_F(IntervalBuilderTest, AMissingMigrationTruncatesAndIsCounted) {
  RingRecord record = SwitchIn({{900, 11, 1}});
  record.switch_in.out.wait_migrations = 2;
  EXPECT_TRUE(Build(record).runners_truncated);
  EXPECT_EQ(counters_.migration_segments_dropped_count, 2u);
}

TEST_F(IntervalBuilderTest, OfManyRunnersBeforeAMoveTheLongestAreKept) {
  RingRecord move{};
  std::vector<hft_runner> runners;
  uint64_t clock_ns = 1000;
  for (uint32_t i = 1; i <= 12; ++i) {
    runners.push_back({clock_ns, i, 1});
    clock_ns += 10 * i;
  }
  move.migration.from_clock_ns = clock_ns;
  move.migration.wait_ns = clock_ns - 1000;
  SetRunners(&move, move.migration.runners, &move.migration.runner_count, runners);
  WaitPart part;
  BuildWaitPart(move, &part, &counters_);
  ASSERT_EQ(part.span_count, WaitPart::kKeptSpans);
  EXPECT_TRUE(part.truncated);
  for (uint32_t i = 0; i < part.span_count; ++i) EXPECT_EQ(part.spans[i].tid, i + 5);
}

TEST_F(IntervalBuilderTest, AnyRandomLogKeepsTheInvariants) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 5000; ++round) {
    std::vector<hft_runner> runners;
    uint64_t clock_ns = 500 + random() % 1000;
    const size_t count = random() % 65;
    for (size_t i = 0; i < count; ++i) {
      runners.push_back({clock_ns, static_cast<uint32_t>(random() % 5), 1});
      clock_ns += random() % 60;
    }
    std::array<WaitPart, 3> parts{};
    const uint32_t moves = random() % 5;
    for (WaitPart& part : parts) {
      part.span_count = WaitPart::kKeptSpans;
      part.wait_ns = 80;
      for (RunnerSpan& span : part.spans) span = {1, 1, 10};
    }
    RingRecord record = SwitchIn(runners);
    record.switch_in.out.wait_migrations = static_cast<uint8_t>(moves);
    record.switch_in.wait_ns = 1000 + 80 * std::min(moves, 3u);
    Build(record, {parts.data(), std::min(moves, 3u)});
    if (HasFatalFailure()) return;
  }
}

TEST_F(IntervalBuilderTest, GarbageKeepsTheInvariants) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 5000; ++round) {
    RingRecord record;
    auto* bytes = reinterpret_cast<unsigned char*>(&record);
    for (size_t i = 0; i < sizeof(record); ++i) bytes[i] = static_cast<unsigned char>(random());
    record.continuation_count = static_cast<uint8_t>(random() % (kContinuationCellsMax + 1));
    record.continuation_incomplete = (random() & 1) != 0;
    WaitPart part;
    BuildWaitPart(record, &part, &counters_);
    ASSERT_LE(part.span_count, WaitPart::kKeptSpans);
    Build(record, {&part, 1});
    if (HasFatalFailure()) return;
    LifeEvent life;
    BuildLifeEvent(record, 64, &life);
    ASSERT_LT(life.slot, 64);
    BuildMigrationEvent(record, kThread, &life);
    ASSERT_LT(life.reason, HFT_MIGRATION_REASONS);
  }
}

TEST_F(IntervalBuilderTest, AWakerIsItsThreadOrTheHandlerThatInterruptedIt) {
  RingRecord record{};
  hft_waker& from = record.waker;
  from.header = {0, HFT_RECORD_WAKER, 0, 2, 77'000};
  from.tid = 100;
  from.out_clock_ns = 500;
  from.voluntary_count = 9;
  from.wait_cpu = 3;
  from.log_position = 12;
  from.waker_tid = 41;
  from.waker_tgid = 40;
  from.waker_priority = 98;
  from.context = HFT_WAKER_HARD_IRQ;
  from.source = HFT_SOURCE_DEVICE;
  from.number = 36;
  from.row = 4;
  std::memset(from.waker_comm, 'x', sizeof(from.waker_comm));
  std::strcpy(devices_[4].name, "eth0-rx");
  WakerTable::Entry entry{};
  BuildWaker(record, devices_, &entry, &counters_);
  EXPECT_EQ(entry.tid, 100u);
  EXPECT_EQ(entry.out_clock_ns, 500);
  EXPECT_EQ(entry.voluntary_count, 9u);
  EXPECT_EQ(entry.wait_cpu, 3);
  EXPECT_EQ(entry.log_position, 12u);
  EXPECT_EQ(entry.waker.state, WakerState::kKnown);
  EXPECT_EQ(entry.waker.woken_mono_ns, 77'000);
  EXPECT_EQ(entry.waker.tid, 41u);
  EXPECT_EQ(entry.waker.cpu, 2);
  EXPECT_EQ(entry.waker.context, HFT_WAKER_HARD_IRQ);
  EXPECT_EQ(entry.waker.number, 36);
  EXPECT_STREQ(entry.waker.handler, "eth0-rx");
  EXPECT_EQ(std::string(entry.waker.comm), std::string(HFT_COMM_LENGTH - 1, 'x'));
  from.context = 200;
  from.source = 200;
  from.out_clock_ns = ~0ull;
  BuildWaker(record, devices_, &entry, &counters_);
  EXPECT_EQ(entry.waker.context, HFT_WAKER_THREAD);
  EXPECT_EQ(entry.waker.source, HFT_SOURCE_NONE);
  EXPECT_EQ(entry.out_clock_ns, 0);
  EXPECT_EQ(counters_.discarded_count, 1u);
}

TEST_F(IntervalBuilderTest, ACallIsTakenAsItWasPassedAndOneThatContradictsTheLayoutIsCounted) {
  RingRecord record{};
  hft_blocked_call& from = record.call.call;
  from.state = HFT_CALL_KNOWN;
  from.owner_source = HFT_OWNER_GLIBC;
  from.owner_state = HFT_OWNER_BLOCKED;
  from.owner_tid = 41;
  from.owner_syscall = 230;
  from.owner_priority = 89;
  from.owner_policy = 1;
  from.futex_command = 9;
  from.futex_word = 2;
  from.arguments[0] = 0x7f00'0000'1000;
  from.arguments[2] = 2;
  from.wake_at_ns = 5'000'000'000;
  Call call;
  BuildCall(record.call.call, &call, &counters_);
  EXPECT_EQ(call.state, HFT_CALL_KNOWN);
  EXPECT_EQ(call.owner_source, HFT_OWNER_GLIBC);
  EXPECT_EQ(call.owner_state, HFT_OWNER_BLOCKED);
  EXPECT_EQ(call.owner_tid, 41u);
  EXPECT_EQ(call.owner_syscall, 230);
  EXPECT_EQ(call.owner_priority, 89);
  EXPECT_EQ(call.owner_policy, 1);
  EXPECT_EQ(call.futex_command, 9);
  EXPECT_EQ(call.futex_word, 2u);
  EXPECT_EQ(call.arguments[0], 0x7f00'0000'1000u);
  EXPECT_EQ(call.arguments[2], 2u);
  EXPECT_EQ(call.wake_at_mono_ns, 5'000'000'000);
  EXPECT_EQ(counters_.discarded_count, 0u);
  for (__u8* field : {&from.state, &from.owner_source, &from.owner_state}) {
    const __u8 good = *field;
    *field = 200;
    BuildCall(record.call.call, &call, &counters_);
    EXPECT_EQ(call.state, HFT_CALL_NONE);
    *field = good;
  }
  EXPECT_EQ(counters_.discarded_count, 3u);
}

}  // namespace
}  // namespace hftmon
