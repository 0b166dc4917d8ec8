#include "daemon/os/conversion_latch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace hftmon {
namespace {

LinearConversion Numbered(uint64_t n) {
  return {.anchor_ticks = n, .anchor_ns = static_cast<int64_t>(2 * n), .multiplier = 3 * n, .error_ns = static_cast<int64_t>(5 * n)};
}

TEST(ConversionLatch, GivesWhatWasPublishedLast) {
  ConversionLatch latch;
  EXPECT_EQ(latch.Read().multiplier, 0u);
  for (uint64_t n = 1; n < 5; ++n) {
    latch.Publish(Numbered(n));
    EXPECT_EQ(latch.Read().anchor_ticks, n);
    EXPECT_EQ(latch.Read().error_ns, static_cast<int64_t>(5 * n));
  }
}

TEST(ConversionLatch, ReadersSeeWholePublicationsInTheirOrder) {
  constexpr uint64_t kPublications = 200'000;
  ConversionLatch latch;
  std::atomic<int> broken{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&latch, &broken] {
      uint64_t last = 0;
      while (last < kPublications) {
        const LinearConversion read = latch.Read();
        const LinearConversion whole = Numbered(read.anchor_ticks);
        if (read.anchor_ns != whole.anchor_ns || read.multiplier != whole.multiplier || read.error_ns != whole.error_ns ||
            read.anchor_ticks < last) {
          broken.fetch_add(1, std::memory_order_relaxed);
        }
        last = read.anchor_ticks;
      }
    });
  }
  for (uint64_t n = 1; n <= kPublications; ++n) latch.Publish(Numbered(n));
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(broken.load(std::memory_order_relaxed), 0);
}

}  // namespace
}  // namespace hftmon
