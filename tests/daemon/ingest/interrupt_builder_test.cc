#include "daemon/ingest/interrupt_builder.h"

#include <gtest/gtest.h>

#include <cstring>

namespace hftmon {
namespace {

constexpr ThreadKey kThread{100, 90, 7};

hft_interruption Ran(uint64_t start_ns, uint32_t duration_ns, uint8_t source, uint8_t row = 0, uint16_t number = 0) {
  return {.start_ns = start_ns, .duration_ns = duration_ns, .number = number, .source = source, .level = HFT_LEVEL_HARD, .row = row};
}

class InterruptBuilderTest : public testing::Test {
 protected:
  InterruptBuilderTest() {
    std::strcpy(devices_[3].name, "eth0-rx");
    record_.interrupted.header = {0, HFT_RECORD_INTERRUPTED, 0, 2, 9'100};
    record_.interrupted.tid = kThread.tid;
    record_.interrupted.slot = 5;
    record_.interrupted.stretch_start_ns = 1'000;
    record_.interrupted.end_ns = 9'000;
  }
  void AddCell(uint8_t type, const hft_interruption& all_four) {
    ContinuationCell& cell = record_.continuation[record_.continuation_count++];
    cell.header.type = type;
    for (hft_interruption& one : cell.interruptions.interruptions) one = all_four;
  }
  bool Build() { return BuildInterruption(record_, kThread, {devices_, interfaces_}, &made_); }

  std::array<hft_device_row, HFT_DEVICE_ROWS> devices_{};
  std::array<hft_interface_row, HFT_INTERFACE_ROWS> interfaces_{};
  RingRecord record_{};
  Interruption made_;
};

TEST_F(InterruptBuilderTest, AStretchIsToldWithItsHandlersAndTheirDevices) {
  record_.interrupted.interruption_count = 2;
  record_.interrupted.interruptions[0] = Ran(1'000, 3'000, HFT_SOURCE_DEVICE, 3, 36);
  record_.interrupted.interruptions[1] = Ran(4'100, 4'900, HFT_SOURCE_SOFTIRQ + 3);
  ASSERT_TRUE(Build());
  EXPECT_EQ(made_.thread, kThread);
  EXPECT_EQ(made_.slot, 5);
  EXPECT_EQ(made_.cpu, 2);
  EXPECT_EQ(made_.start_mono_ns, 1'000);
  EXPECT_EQ(made_.end_mono_ns, 9'000);
  EXPECT_EQ(made_.record_mono_ns, 9'100);
  ASSERT_EQ(made_.interrupts.count, 2);
  EXPECT_FALSE(made_.interrupts.truncated);
  EXPECT_EQ(made_.interrupts.spans[0].source, HFT_SOURCE_DEVICE);
  EXPECT_EQ(made_.interrupts.spans[0].number, 36);
  EXPECT_STREQ(made_.interrupts.spans[0].name, "eth0-rx");
  EXPECT_EQ(made_.interrupts.spans[1].source, HFT_SOURCE_SOFTIRQ + 3);
  EXPECT_EQ(made_.interrupts.spans[1].duration_ns, 4'900);
  EXPECT_STREQ(made_.interrupts.spans[1].name, "");
}

TEST_F(InterruptBuilderTest, ASoftirqThatReceivesNamesTheInterfaceThatItPolledLongest) {
  std::strcpy(interfaces_[5].name, "eth0");
  std::strcpy(interfaces_[6].name, "eth1");
  record_.interrupted.interruption_count = 3;
  record_.interrupted.interruptions[0] = Ran(1'000, 300, HFT_SOURCE_SOFTIRQ + 3, 5);
  record_.interrupted.interruptions[1] = Ran(2'000, 300, HFT_SOURCE_SOFTIRQ + 3, 6);
  record_.interrupted.interruptions[2] = Ran(3'000, 300, HFT_SOURCE_SOFTIRQ + 3, HFT_INTERFACE_BACKLOG);
  ASSERT_TRUE(Build());
  EXPECT_STREQ(made_.interrupts.spans[0].name, "eth0");
  EXPECT_STREQ(made_.interrupts.spans[1].name, "eth1");
  EXPECT_NE(made_.interrupts.spans[0].number, made_.interrupts.spans[1].number) << "two actors of a budget";
  EXPECT_STREQ(made_.interrupts.spans[2].name, "backlog");
  for (const uint8_t row : {0, 7, 200}) {  // others, none yet, none there is
    record_.interrupted.interruptions[0].row = row;
    ASSERT_TRUE(Build());
    EXPECT_STREQ(made_.interrupts.spans[0].name, "") << int{row};
    EXPECT_EQ(made_.interrupts.spans[0].number, 0);
  }
  record_.interrupted.interruptions[0] = Ran(1'000, 300, HFT_SOURCE_SOFTIRQ + 2, 5);
  ASSERT_TRUE(Build());
  EXPECT_STREQ(made_.interrupts.spans[0].name, "") << "what NET_TX sends through is not known";
}

TEST_F(InterruptBuilderTest, TheContinuationFollowsTheHeadCellAndRunnersAreNoInterruptions) {
  record_.interrupted.interruption_count = 8;
  for (hft_interruption& one : record_.interrupted.interruptions) one = Ran(1'000, 1, HFT_SOURCE_LOCAL_TIMER);
  AddCell(HFT_RECORD_RUNNERS, {});
  AddCell(HFT_RECORD_INTERRUPTIONS, Ran(2'000, 2, HFT_SOURCE_RESCHEDULE));
  AddCell(HFT_RECORD_INTERRUPTIONS, Ran(3'000, 3, HFT_SOURCE_IRQ_WORK));
  ASSERT_TRUE(Build());
  ASSERT_EQ(made_.interrupts.count, 8);
  EXPECT_FALSE(made_.interrupts.truncated);
  EXPECT_EQ(made_.interrupts.spans[2].source, HFT_SOURCE_LOCAL_TIMER);
  EXPECT_EQ(made_.interrupts.spans[3].source, HFT_SOURCE_RESCHEDULE);
  EXPECT_EQ(made_.interrupts.spans[7].source, HFT_SOURCE_IRQ_WORK);
}

TEST_F(InterruptBuilderTest, MissingCellsAndBadValuesAreSaidAndCut) {
  record_.interrupted.interruption_count = 255;
  record_.interrupted.interruptions[0] = Ran(~0ull, ~0u, 200, 200);
  ASSERT_TRUE(Build());
  EXPECT_EQ(made_.interrupts.count, HFT_INLINE_INTERRUPTIONS);
  EXPECT_TRUE(made_.interrupts.truncated);
  EXPECT_EQ(made_.interrupts.spans[0].source, HFT_SOURCE_NONE);
  EXPECT_GT(made_.interrupts.spans[0].start_mono_ns, 0);
}

TEST_F(InterruptBuilderTest, AnEndBeforeTheBeginningIsNoInterruption) {
  record_.interrupted.end_ns = 999;
  EXPECT_FALSE(Build());
  record_.interrupted.end_ns = ~0ull;
  EXPECT_FALSE(Build());
}

class ShootdownSenderTest : public InterruptBuilderTest {
 protected:
  void Arrive(size_t entry, uint64_t start_ns, uint32_t tid, const char* comm) {
    log_[entry] = {.start_ns = start_ns, .tid = tid, .tgid = 50, .comm = {}};
    std::strcpy(log_[entry].comm, comm);
  }
  const InterruptSpan& BuildOne(uint8_t source) {
    record_.interrupted.interruption_count = 1;
    record_.interrupted.interruptions[0] = Ran(1'000, 3'000, source);
    EXPECT_TRUE(BuildInterruption(record_, kThread, {devices_, interfaces_, log_}, &made_));
    return made_.interrupts.spans[0];
  }

  std::array<hft_arrived_shootdown, HFT_SHOOTDOWN_LOG_ENTRIES> log_{};
};

TEST_F(ShootdownSenderTest, ACrossCallNamesWhoSentTheFlushThatCameInIt) {
  Arrive(9, 1'000, 55, "unmapper");
  Arrive(10, 5'000, 56, "other");
  EXPECT_EQ(BuildOne(HFT_SOURCE_CALL_FUNCTION).sender_tid, 55u);
  EXPECT_EQ(made_.interrupts.spans[0].sender_tgid, 50u);
  EXPECT_STREQ(made_.interrupts.spans[0].name, "unmapper");
  Arrive(11, 1'000, 55, "unmapper");
  EXPECT_EQ(BuildOne(HFT_SOURCE_CALL_FUNCTION).sender_tid, 55u) << "two of one sender";
  EXPECT_EQ(BuildOne(HFT_SOURCE_RESCHEDULE).sender_tid, 0u) << "a leftover of the span before, or of another interrupt";
  EXPECT_STREQ(made_.interrupts.spans[0].name, "");
}

TEST_F(ShootdownSenderTest, WhereTheyWereSeveralOrNoneIsKnownNobodyIsNamed) {
  Arrive(9, 1'000, 55, "unmapper");
  Arrive(12, 1'000, 56, "other");
  EXPECT_EQ(BuildOne(HFT_SOURCE_CALL_FUNCTION).sender_tid, 0u);
  EXPECT_STREQ(made_.interrupts.spans[0].name, "");
  log_ = {};
  Arrive(3, 2'000, 55, "unmapper");
  EXPECT_EQ(BuildOne(HFT_SOURCE_CALL_FUNCTION).sender_tid, 0u);
}

}  // namespace
}  // namespace hftmon
