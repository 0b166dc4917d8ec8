#include "daemon/ingest/waker_table.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

constexpr uint32_t kSlot = 3;
constexpr uint32_t kTid = 100;

class WakerTableTest : public ::testing::Test {
 protected:
  void Note(int64_t out_clock_ns, uint32_t voluntary_count, uint32_t waker_tid) {
    WakerTable::Entry* entry = table_.Note(kSlot);
    entry->tid = kTid;
    entry->out_clock_ns = out_clock_ns;
    entry->voluntary_count = voluntary_count;
    entry->log_position = 8;
    entry->wait_cpu = 1;
    entry->waker.state = WakerState::kKnown;
    entry->waker.tid = waker_tid;
  }

  WakerTable table_{8};
};

TEST_F(WakerTableTest, AWakeUpBelongsToTheSwitchOutThatItEndsAndToNoOther) {
  EXPECT_EQ(table_.Find(kSlot, kTid, 5'000, 7), nullptr);
  Note(5'000, 7, 11);
  ASSERT_NE(table_.Find(kSlot, kTid, 5'000, 7), nullptr);
  EXPECT_EQ(table_.Find(kSlot, kTid, 5'000, 7)->tid, 11u);
  EXPECT_EQ(table_.Find(kSlot, kTid, 6'000, 8), nullptr) << "the record of the next wake-up was lost";
  EXPECT_EQ(table_.Find(kSlot, kTid, 0, 7), nullptr);
  EXPECT_EQ(table_.Find(kSlot, kTid + 1, 5'000, 7), nullptr) << "another thread has the slot";
  EXPECT_EQ(table_.Find(kSlot + 1, kTid, 5'000, 7), nullptr);
  EXPECT_EQ(table_.Find(60'000, kTid, 5'000, 7), nullptr);
}

TEST_F(WakerTableTest, AWakeUpOnTheWayOutBelongsToTheSwitchOutThatFollows) {
  Note(0, 6, 11);  // its switch-out, the seventh, was not noted yet
  EXPECT_NE(table_.Find(kSlot, kTid, 5'000, 7), nullptr);
  Note(0, 7, 11);  // noted in part
  EXPECT_NE(table_.Find(kSlot, kTid, 5'000, 7), nullptr);
}

TEST_F(WakerTableTest, AWakeUpOfAThreadThatDidNotSleepIsNotALaterSwitchOuts) {
  Note(0, 5, 11);
  EXPECT_EQ(table_.Find(kSlot, kTid, 5'000, 7), nullptr);
  Note(0, 8, 11);
  EXPECT_EQ(table_.Find(kSlot, kTid, 5'000, 7), nullptr);
  Note(0, 0xffffffff, 11);  // the count wraps
  EXPECT_NE(table_.Find(kSlot, kTid, 5'000, 0), nullptr);
}

TEST_F(WakerTableTest, AMoveIsRememberedForItsThreadOnly) {
  Note(5'000, 7, 11);
  table_.NoteMove(kSlot, kTid + 1, 2);
  EXPECT_EQ(table_.At(kSlot).wait_cpu, 1);
  table_.NoteMove(kSlot, kTid, 2);
  EXPECT_EQ(table_.At(kSlot).wait_cpu, 2);
  EXPECT_EQ(table_.At(kSlot).log_position, 0u) << "who ran there is not known";
  table_.NoteMove(60'000, kTid, 2);
}

}  // namespace
}  // namespace hftmon
