#include "daemon/collectors/page_pool.h"

#include <atomic>

namespace hftmon {
namespace {

constexpr uint64_t kPageMask = HFT_PAGES - 1;

uint64_t HeadWith(uint64_t head, uint16_t page) {
  return (((head >> HFT_PAGE_BITS) + 1) << HFT_PAGE_BITS) | page;
}

}  // namespace

void PagePool::Fill() {
  // The lowest pages are given first, so that those in use stay close together.
  for (uint32_t page = 1; page < HFT_PAGES; ++page) pool_->next[page] = static_cast<__u16>((page + 1) & kPageMask);
  std::atomic_ref<__u64>(pool_->head).store(1, std::memory_order_release);  // before any program runs; release for tests with threads
}

void PagePool::GiveBack(uint16_t page) {
  for (__u32& count : pool_->pages[page].counts) std::atomic_ref<__u32>(count).store(0, std::memory_order_relaxed);
  std::atomic_ref<__u64> head(pool_->head);
  __u64 seen = head.load(std::memory_order_relaxed);
  do {
    std::atomic_ref<__u16>(pool_->next[page]).store(static_cast<__u16>(seen & kPageMask), std::memory_order_relaxed);
    // Release: whoever takes the page, by an exchange of the head, finds it zero and its link written.
  } while (!head.compare_exchange_weak(seen, HeadWith(seen, page), std::memory_order_release, std::memory_order_relaxed));
  std::atomic_ref<__u64> returned(pool_->returned_count);
  returned.store(returned.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);  // single writer
}

uint64_t PagePool::in_use_count() const {
  // Returned first: a page that comes back in between is counted as in use, never below none.
  const uint64_t returned = std::atomic_ref<__u64>(pool_->returned_count).load(std::memory_order_acquire);
  return std::atomic_ref<__u64>(pool_->given_count).load(std::memory_order_relaxed) - returned;
}

}  // namespace hftmon
