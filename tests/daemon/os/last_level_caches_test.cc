#include "daemon/os/last_level_caches.h"

#include <gmock/gmock.h>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;

class LastLevelCachesTest : public ::testing::Test {
 protected:
  void Cache(int cpu, int index, const char* level, const char* id, const char* size, const char* shared) {
    const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cache/index" + std::to_string(index);
    tree_.Write(folder + "/level", level);
    if (*id != '\0') tree_.Write(folder + "/id", id);
    tree_.Write(folder + "/size", size);
    tree_.Write(folder + "/shared_cpu_list", shared);
  }
  FixtureTree tree_;
};

TEST_F(LastLevelCachesTest, OneForEachCacheWithTheOnlineCpusThatShareIt) {
  tree_.Write("/sys/devices/system/cpu/online", "0-2,5\n");
  for (const int cpu : {0, 1, 2, 5}) {
    Cache(cpu, 0, "1\n", "0\n", "32K\n", "0\n");
    Cache(cpu, 1, "3\n", cpu < 2 ? "0\n" : "7\n", cpu < 2 ? "32768K\n" : "96M\n", cpu < 2 ? "0-1\n" : "2-5\n");
  }
  const auto caches = ReadLastLevelCaches(tree_.root());
  ASSERT_TRUE(caches.ok()) << caches.status();
  ASSERT_EQ(caches->size(), 2u);
  EXPECT_EQ((*caches)[0].id, 0);
  EXPECT_EQ((*caches)[0].level, 3);
  EXPECT_EQ((*caches)[0].bytes, int64_t{32} << 20);
  EXPECT_THAT((*caches)[0].cpus, ElementsAre(0, 1));
  EXPECT_EQ((*caches)[1].id, 7);
  EXPECT_EQ((*caches)[1].bytes, int64_t{96} << 20);
  EXPECT_THAT((*caches)[1].cpus, ElementsAre(2, 5)) << "3 and 4 are offline";
}

TEST_F(LastLevelCachesTest, WhatIsNotToldOrOddIsAbsent) {
  tree_.Write("/sys/devices/system/cpu/online", "0-1\n");
  Cache(0, 0, "2\n", "", "many\n", "odd\n");
  const auto caches = ReadLastLevelCaches(tree_.root());
  ASSERT_TRUE(caches.ok()) << caches.status();
  ASSERT_EQ(caches->size(), 1u) << "CPU 1 tells none";
  EXPECT_FALSE((*caches)[0].id.has_value());
  EXPECT_FALSE((*caches)[0].bytes.has_value());
  EXPECT_THAT((*caches)[0].cpus, ElementsAre(0));
}

}  // namespace
}  // namespace hftmon
