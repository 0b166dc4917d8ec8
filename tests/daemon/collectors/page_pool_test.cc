#include "daemon/collectors/page_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <set>
#include <thread>
#include <vector>

namespace hftmon {
namespace {

// What take_page in histogram_pages.bpf.h does.
uint16_t Take(hft_histogram_pool* pool) {
  std::atomic_ref<__u64> head(pool->head);
  __u64 seen = head.load(std::memory_order_acquire);
  while ((seen & (HFT_PAGES - 1)) != HFT_NO_PAGE) {
    const auto page = static_cast<uint16_t>(seen & (HFT_PAGES - 1));
    const __u16 next = std::atomic_ref<__u16>(pool->next[page]).load(std::memory_order_relaxed);
    if (head.compare_exchange_weak(seen, (((seen >> HFT_PAGE_BITS) + 1) << HFT_PAGE_BITS) | next, std::memory_order_acq_rel,
                                   std::memory_order_acquire)) {
      std::atomic_ref<__u64>(pool->given_count).fetch_add(1, std::memory_order_relaxed);
      return page;
    }
  }
  return HFT_NO_PAGE;
}

class PagePoolTest : public ::testing::Test {
 protected:
  PagePoolTest() { pages_.Fill(); }
  std::unique_ptr<hft_histogram_pool> pool_ = std::make_unique<hft_histogram_pool>();
  PagePool pages_{pool_.get()};
};

TEST_F(PagePoolTest, EveryPageIsGivenOutOnceAndThenThereIsNone) {
  std::set<uint16_t> given;
  for (uint32_t i = 0; i < PagePool::kPages; ++i) given.insert(Take(pool_.get()));
  EXPECT_EQ(given.size(), PagePool::kPages);
  EXPECT_FALSE(given.contains(HFT_NO_PAGE));
  EXPECT_EQ(Take(pool_.get()), HFT_NO_PAGE);
  EXPECT_EQ(pages_.in_use_count(), PagePool::kPages);
}

TEST_F(PagePoolTest, APageThatCameBackIsZeroAndTheNextToBeGiven) {
  Take(pool_.get());
  const uint16_t page = Take(pool_.get());
  pool_->pages[page].counts[63] = 5;
  pages_.GiveBack(page);
  EXPECT_EQ(pages_.in_use_count(), 1u);
  EXPECT_EQ(Take(pool_.get()), page);
  EXPECT_EQ(pool_->pages[page].counts[63], 0u);
}

// Programs take pages on several CPUs while the daemon gives them back: none has two owners, none is lost.
TEST_F(PagePoolTest, NoPageHasTwoOwnersWhilePagesComeAndGo) {
  constexpr int kRounds = 20'000;
  std::vector<std::atomic<uint8_t>> owned(HFT_PAGES);
  std::atomic<uint64_t> twice_count{0};
  std::atomic<uint32_t> handed[64] = {};  // to the daemon; 0: empty
  std::atomic<int> running{2};
  const auto program = [&] {
    for (int i = 0; i < kRounds; ++i) {
      const uint16_t page = Take(pool_.get());
      if (owned[page].exchange(1, std::memory_order_relaxed) != 0) twice_count.fetch_add(1, std::memory_order_relaxed);
      uint32_t empty = 0;
      if (!handed[static_cast<size_t>(i) % 64].compare_exchange_strong(empty, page, std::memory_order_release, std::memory_order_relaxed)) {
        std::this_thread::yield();
      }
    }
    running.fetch_sub(1, std::memory_order_release);
  };
  std::thread first(program);
  std::thread second(program);
  while (running.load(std::memory_order_acquire) > 0) {
    for (std::atomic<uint32_t>& cell : handed) {
      const uint32_t page = cell.exchange(0, std::memory_order_acquire);
      if (page == 0) continue;
      owned[page].store(0, std::memory_order_relaxed);
      pages_.GiveBack(static_cast<uint16_t>(page));
    }
  }
  first.join();
  second.join();
  EXPECT_EQ(twice_count.load(std::memory_order_relaxed), 0u);
  uint64_t free_count = 0;
  while (Take(pool_.get()) != HFT_NO_PAGE) ++free_count;
  EXPECT_EQ(pages_.in_use_count(), PagePool::kPages);
  EXPECT_GT(free_count, 0u);
}

}  // namespace
}  // namespace hftmon
