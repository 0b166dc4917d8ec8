#include "daemon/ingest/stretch_hold.h"

#include <gtest/gtest.h>

#include <memory>

namespace hftmon {
namespace {

constexpr int64_t kStartNs = 1'000'000;

class StretchHoldTest : public testing::Test {
 protected:
  StretchHoldTest() : interrupts_(2) {
    view_.interrupts = interrupts_;
    hold_ = std::make_unique<StretchHold>(view_);
  }
  // A record of a stretch of CPU 1, as the CPU's line shows it then.
  void Record(int64_t start_ns, int64_t end_ns) {
    interrupts_[1].stretch_start_ns = static_cast<uint64_t>(start_ns);
    interrupts_[1].stretch_end_ns = static_cast<uint64_t>(end_ns);
    Interruption interruption;
    interruption.cpu = 1;
    interruption.start_mono_ns = start_ns;
    interruption.end_mono_ns = end_ns;
    hold_->Put(interruption, [this](const Interruption& over) { given_.push_back(over.end_mono_ns); });
  }
  void Poll(int64_t now_ns) {
    hold_->Poll(now_ns, [this](const Interruption& over) { given_.push_back(over.end_mono_ns); });
  }

  std::vector<hft_cpu_interrupts> interrupts_;
  KernelView view_;
  std::unique_ptr<StretchHold> hold_;
  std::vector<int64_t> given_;
};

TEST_F(StretchHoldTest, AStretchIsGivenOutWhenNoHandlerFollowed) {
  Record(kStartNs, kStartNs + 50'000);
  Poll(kStartNs + 50'000 + HFT_STRETCH_GAP_NS + StretchHold::kEntryNs);
  EXPECT_TRUE(given_.empty());
  Poll(kStartNs + 50'001 + HFT_STRETCH_GAP_NS + StretchHold::kEntryNs);
  EXPECT_EQ(given_, std::vector<int64_t>{kStartNs + 50'000});
  EXPECT_TRUE(hold_->empty());
}

TEST_F(StretchHoldTest, AHandlerThatFollowsMakesItOneLongerStretch) {
  Record(kStartNs, kStartNs + 50'000);
  interrupts_[1].active = 1;
  Poll(kStartNs + 80'000);
  EXPECT_TRUE(given_.empty()) << "a handler executes";
  interrupts_[1].active = 0;
  Record(kStartNs, kStartNs + 90'000);
  Poll(kStartNs + 95'000);
  EXPECT_EQ(given_, std::vector<int64_t>{kStartNs + 90'000});
}

TEST_F(StretchHoldTest, AnotherStretchOfTheCpuShowsThatItIsOver) {
  Record(kStartNs, kStartNs + 50'000);
  Record(kStartNs + 60'000, kStartNs + 100'000);
  EXPECT_EQ(given_, std::vector<int64_t>{kStartNs + 50'000});
  interrupts_[1].stretch_start_ns = kStartNs + 150'000;
  interrupts_[1].active = 1;
  Poll(kStartNs + 150'100);
  EXPECT_EQ(given_.back(), kStartNs + 100'000);
}

TEST_F(StretchHoldTest, ARecordThatNeverFollowsIsNotWaitedForForEver) {
  Record(kStartNs, kStartNs + 50'000);
  interrupts_[1].stretch_end_ns = kStartNs + 60'000;
  Poll(kStartNs + 50'000 + StretchHold::kPatienceNs);
  EXPECT_TRUE(given_.empty());
  Poll(kStartNs + 50'001 + StretchHold::kPatienceNs);
  EXPECT_EQ(given_.size(), 1u);
}

}  // namespace
}  // namespace hftmon
