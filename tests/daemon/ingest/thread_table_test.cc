#include "daemon/ingest/thread_table.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

class ThreadTableTest : public testing::Test {
 protected:
  void Add(uint32_t tid, int64_t wait_ns) {
    WaitPart* part = table_.Add(3, tid);
    *part = WaitPart{};
    part->wait_ns = wait_ns;
  }
  std::vector<int64_t> Claim(uint32_t tid, uint32_t wanted) {
    std::vector<int64_t> waits_ns;
    for (const WaitPart& part : table_.Claim(3, tid, wanted)) waits_ns.push_back(part.wait_ns);
    return waits_ns;
  }
  ThreadTable table_{8};
};

using Waits = std::vector<int64_t>;

TEST_F(ThreadTableTest, PartsAreClaimedOldestFirstAndOnce) {
  Add(1, 10);
  Add(1, 20);
  EXPECT_EQ(Claim(1, 2), (Waits{10, 20}));
  EXPECT_EQ(Claim(1, 2), Waits{});
}

TEST_F(ThreadTableTest, PartsOfWaitsBelowTheThresholdAreNotClaimedByALaterOne) {
  Add(1, 10);  // its switch-in made no record
  Add(1, 20);
  EXPECT_EQ(Claim(1, 1), Waits{20});
  Add(1, 30);
  EXPECT_EQ(Claim(1, 0), Waits{});
  EXPECT_EQ(Claim(1, 1), Waits{});
}

TEST_F(ThreadTableTest, TheOldestPartGoesWhenThereAreTooMany) {
  for (int i = 1; i <= 5; ++i) Add(1, i);
  EXPECT_EQ(Claim(1, 5), (Waits{3, 4, 5}));
}

TEST_F(ThreadTableTest, AnotherThreadInTheSlotInheritsNothing) {
  Add(1, 10);
  EXPECT_EQ(Claim(2, 1), Waits{});
  Add(2, 20);
  EXPECT_EQ(Claim(2, 2), Waits{20});
}

TEST_F(ThreadTableTest, NothingKeptBeforeALossIsTrusted) {
  Add(1, 10);
  table_.Distrust();
  EXPECT_EQ(Claim(1, 1), Waits{});
  Add(1, 20);
  table_.Distrust();
  Add(1, 30);
  EXPECT_EQ(Claim(1, 2), Waits{30});
}

}  // namespace
}  // namespace hftmon
