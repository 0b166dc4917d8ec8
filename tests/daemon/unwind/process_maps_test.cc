#include "daemon/unwind/process_maps.h"

#include <gtest/gtest.h>

#include <random>

namespace hftmon {
namespace {

constexpr char kMaps[] =
    "55d0c0a00000-55d0c0a02000 r--p 00000000 fe:00 1234  /usr/bin/my program\n"
    "55d0c0a02000-55d0c0a07000 r-xp 00002000 fe:00 1234  /usr/bin/my program\n"
    "7f1200000000-7f1200001000 r-xp 00000000 00:00 0 \n"
    "7f1200002000-7f1200003000 r-xp 00000000 fe:00 99 /tmp/gone.so (deleted)\n"
    "7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0 [vdso]\n";

TEST(ProcessMapsTest, ExecutableMappingsAreRead) {
  const std::vector<Mapping> mappings = ParseExecutableMappings(kMaps);
  ASSERT_EQ(mappings.size(), 4u);
  EXPECT_EQ(mappings[0].begin, 0x55d0c0a02000u);
  EXPECT_EQ(mappings[0].offset, 0x2000u);
  EXPECT_EQ(mappings[0].inode, 1234u);
  EXPECT_EQ(mappings[0].path, "/usr/bin/my program");
  EXPECT_EQ(mappings[1].path, "");
  EXPECT_EQ(mappings[2].path, "/tmp/gone.so");
  EXPECT_EQ(mappings[3].path, "[vdso]");
}

TEST(ProcessMapsTest, DamagedTextGivesOnlyMappingsWithAnExtent) {
  std::mt19937 random(2);
  for (int round = 0; round < 2'000; ++round) {
    std::string text = kMaps;
    for (int i = 0; i < 10; ++i) text[random() % text.size()] = static_cast<char>(random());
    for (const Mapping& mapping : ParseExecutableMappings(text)) EXPECT_LT(mapping.begin, mapping.end);
  }
}

TEST(ProcessMapsTest, TheNumberOfMappingsIsBounded) {
  std::string text;
  for (size_t i = 0; i < kMappingsMax + 10; ++i) text += "1000-2000 r-xp 0 00:00 0 /a\n";
  EXPECT_EQ(ParseExecutableMappings(text).size(), kMappingsMax);
}

}  // namespace
}  // namespace hftmon
