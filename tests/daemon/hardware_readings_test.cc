#include "daemon/hardware_readings.h"

#include <gtest/gtest.h>

#include <memory>

namespace hftmon {
namespace {

TEST(HardwareReadingsTest, TheNewestAreCopiedInOrderAndOneThatIsBeingWrittenIsLeftOut) {
  const auto cpu = std::make_unique<hft_cpu_hardware>();
  for (uint64_t i = 0; i < HFT_HARDWARE_READINGS + 5; ++i) {
    cpu->readings[i % HFT_HARDWARE_READINGS] = {.sequence = static_cast<uint32_t>(i + 1), .known = 1, .mono_ns = 1'000 + i};
  }
  cpu->position = HFT_HARDWARE_READINGS + 5;
  std::vector<hft_hardware_reading> readings = CopyReadings(*cpu);
  ASSERT_EQ(readings.size(), size_t{HFT_HARDWARE_READINGS});
  EXPECT_EQ(readings.front().mono_ns, 1'005u);
  EXPECT_EQ(readings.back().mono_ns, 1'000u + HFT_HARDWARE_READINGS + 4);
  cpu->readings[5].sequence = 0;
  readings = CopyReadings(*cpu);
  EXPECT_EQ(readings.size(), size_t{HFT_HARDWARE_READINGS} - 1);
  EXPECT_EQ(readings.front().mono_ns, 1'006u);
}

TEST(HardwareReadingsTest, TheOldestAndTheNewestSayWhatReadingsMaySurround) {
  const auto cpu = std::make_unique<hft_cpu_hardware>();
  EXPECT_FALSE(MaySurround(*cpu, 0, 0));
  for (uint64_t i = 0; i < HFT_HARDWARE_READINGS + 5; ++i) cpu->readings[i % HFT_HARDWARE_READINGS].mono_ns = 1'000 + i;
  cpu->position = HFT_HARDWARE_READINGS + 5;
  EXPECT_TRUE(MaySurround(*cpu, 1'005, 1'004 + HFT_HARDWARE_READINGS));
  EXPECT_FALSE(MaySurround(*cpu, 1'004, 1'010)) << "overwritten";
  EXPECT_FALSE(MaySurround(*cpu, 1'006, 1'005 + HFT_HARDWARE_READINGS)) << "none came after it yet";
}

TEST(HardwareReadingsTest, RunnersOfBeforeTheLogsBeginningAreNotBelieved) {
  const auto cpu = std::make_unique<hft_cpu>();
  EXPECT_TRUE(CopyRunners(*cpu).empty());
  for (uint64_t i = 0; i < 4; ++i) cpu->log[i] = {.clock_ns = 100 * i, .tid = static_cast<__u32>(i)};
  cpu->position = 4;
  EXPECT_EQ(CopyRunners(*cpu).size(), 4u);
  cpu->log_begin = 3;
  ASSERT_EQ(CopyRunners(*cpu).size(), 1u);
  EXPECT_EQ(CopyRunners(*cpu)[0].tid, 3u);
  cpu->position = HFT_CPU_LOG_ENTRIES + 10;
  EXPECT_EQ(CopyRunners(*cpu).size(), size_t{HFT_CPU_LOG_ENTRIES} - 1) << "the place of the next one may be written already";
}

}  // namespace
}  // namespace hftmon
