#include "daemon/numa/numa_maps.h"

#include <gmock/gmock.h>

#include "tests/daemon/numa/captured.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::FieldsAre;
using ::testing::IsEmpty;

std::vector<std::string> Policies(const NumaMaps& maps) {
  std::vector<std::string> policies;
  for (const NumaMapsLine& line : maps.lines) policies.push_back(line.policy);
  return policies;
}

NumaMapsLine Only(std::string_view text) {
  const NumaMaps maps = ParseNumaMaps(text);
  EXPECT_EQ(maps.bad_line_count, 0u) << text;
  EXPECT_EQ(maps.lines.size(), 1u) << text;
  return maps.lines.size() == 1 ? maps.lines[0] : NumaMapsLine{};
}

TEST(NumaMapsTest, EveryPolicyOfLinux618IsReadWholeThoughSomeHoldSpacesAndEquals) {
  const NumaMaps maps = ParseNumaMaps(Captured("6.18-policies.numa_maps"));
  EXPECT_EQ(maps.bad_line_count, 0u);
  EXPECT_FALSE(maps.truncated);
  ASSERT_EQ(maps.lines.size(), 40u);
  std::vector<std::string> policies = Policies(maps);
  policies.resize(10);
  EXPECT_THAT(policies, ElementsAre("bind:0", "prefer:0", "interleave:0", "prefer (many):0", "weighted interleave:0", "local",
                                    "bind=static:0", "bind=balancing:0", "interleave=relative:0", "default"));
  for (size_t i = 0; i < 9; ++i) EXPECT_THAT(maps.lines[i].nodes, ElementsAre(FieldsAre(0, 128u))) << i;
}

TEST(NumaMapsTest, HugePagesOfHugetlbfsAreToldAndTransparentOnesAreNot) {
  const NumaMaps maps = ParseNumaMaps(Captured("6.18-policies.numa_maps"));
  ASSERT_GT(maps.lines.size(), 16u);
  const NumaMapsLine& transparent = maps.lines[9];
  EXPECT_EQ(transparent.start, 0x200028000000u);
  EXPECT_FALSE(transparent.huge);
  EXPECT_EQ(transparent.page_bytes, 4096);
  EXPECT_THAT(transparent.nodes, ElementsAre(FieldsAre(0, 1536u)));
  const NumaMapsLine& hugetlb = maps.lines[15];
  EXPECT_EQ(hugetlb.start, 0x200080000000u);
  EXPECT_TRUE(hugetlb.huge);
  EXPECT_EQ(hugetlb.page_bytes, 2 << 20);
  EXPECT_THAT(hugetlb.nodes, ElementsAre(FieldsAre(0, 2u)));
}

TEST(NumaMapsTest, NamesAreThoseOfTheFilesWhateverIsInThem) {
  const NumaMaps maps = ParseNumaMaps(Captured("6.18-policies.numa_maps"));
  ASSERT_GT(maps.lines.size(), 13u);
  EXPECT_EQ(maps.lines[10].name, "/memfd:pool (deleted)");
  EXPECT_EQ(maps.lines[11].name, "/dev/zero (deleted)");
  EXPECT_EQ(maps.lines[12].name, "/dev/shm/a book=1 N0=5\n x") << "the file's own \\040 cannot be told from an escape";
  EXPECT_THAT(maps.lines[12].nodes, ElementsAre(FieldsAre(0, 64u)));
  EXPECT_EQ(maps.lines[13].name, "");
  EXPECT_THAT(maps.lines[13].nodes, IsEmpty()) << "never touched";
  EXPECT_EQ(maps.lines[13].page_bytes, std::nullopt);
}

TEST(NumaMapsTest, Linux61TellsTwoNodesOfOneMapping) {
  const NumaMaps maps = ParseNumaMaps(Captured("6.1-policies.numa_maps"));
  EXPECT_EQ(maps.bad_line_count, 0u);
  EXPECT_THAT(Policies(maps), ElementsAre("default", "bind:0", "prefer:0", "interleave:0", "prefer (many):0", "local", "bind=static:0",
                                          "default", "default"));
  EXPECT_THAT(maps.lines[1].nodes, ElementsAre(FieldsAre(0, 1536u), FieldsAre(1, 512u)));
  EXPECT_EQ(maps.lines[1].mapper_count, 1u);
  EXPECT_EQ(maps.lines[2].mapper_count, 2u);
  const NumaMaps far = ParseNumaMaps(Captured("6.1-far-memory.numa_maps"));
  EXPECT_THAT(Policies(far), ElementsAre("bind:1", "bind:1", "bind:1", "default"));
  EXPECT_THAT(far.lines[1].nodes, ElementsAre(FieldsAre(1, 4096u)));
  EXPECT_THAT(far.lines[3].nodes, ElementsAre(FieldsAre(0, 1536u), FieldsAre(1, 129536u)));
}

TEST(NumaMapsTest, Linux612TellsTextThatIsShared) {
  const NumaMaps maps = ParseNumaMaps(Captured("6.12-far-memory.numa_maps"));
  EXPECT_EQ(maps.bad_line_count, 0u);
  ASSERT_EQ(maps.lines.size(), 5u);
  EXPECT_EQ(maps.lines[1].name, "/usr/bin/python3");
  EXPECT_EQ(maps.lines[1].mapper_count, 2u);
  EXPECT_THAT(maps.lines[1].nodes, ElementsAre(FieldsAre(1, 464u)));
}

TEST(NumaMapsTest, EveryPrefixIsReadWithoutMoreLinesOrPagesThanThereAre) {
  for (const char* name : {"6.1-policies.numa_maps", "6.12-far-memory.numa_maps", "6.18-policies.numa_maps"}) {
    const std::string text = Captured(name);
    const NumaMaps whole = ParseNumaMaps(text);
    for (size_t size = 0; size <= text.size(); ++size) {
      const NumaMaps part = ParseNumaMaps(std::string_view(text).substr(0, size));
      const auto line_count = static_cast<size_t>(std::count(text.begin(), text.begin() + static_cast<long>(size), '\n'));
      ASSERT_LE(part.bad_line_count, 1u) << name << " " << size;
      ASSERT_GE(part.lines.size(), line_count);
      ASSERT_LE(part.lines.size() + part.bad_line_count, line_count + 1);
      for (size_t i = 0; i < line_count; ++i) {
        ASSERT_EQ(part.lines[i].policy, whole.lines[i].policy);
        ASSERT_EQ(part.lines[i].nodes.size(), whole.lines[i].nodes.size());
      }
    }
  }
}

TEST(NumaMapsTest, WhatNoKernelWritesIsLeftOutAndCounted) {
  for (const char* line : {"", " ", "default anon=1", "xyz default", "1000", "1000 ", "1000 N0=5", "1000 file=/x N0=1", "1000 huge",
                           "11000000000000000 default", "1000 default N1024=1", "1000 default N0=5000000000000000",
                           "1000 default N1=1 N0=1", "1000 default N1=1 N1=1", "1000 default N-1=1",
                           "1000 default N0=1 kernelpagesize_kB=0", "1000 default N0=1 kernelpagesize_kB=18446744073709551615"}) {
    const NumaMaps maps = ParseNumaMaps(std::string(line) + "\n2000 default\n");
    EXPECT_EQ(maps.bad_line_count, 1u) << line;
    ASSERT_EQ(maps.lines.size(), 1u) << line;
    EXPECT_EQ(maps.lines[0].start, 0x2000u) << line;
  }
}

TEST(NumaMapsTest, WhatALaterKernelAddsIsPassedOver) {
  const NumaMapsLine line = Only("1000 default anon=3 tiered=7 cold N0=1 N3=2 writeback=1 kernelpagesize_kB=16");
  EXPECT_THAT(line.nodes, ElementsAre(FieldsAre(0, 1u), FieldsAre(3, 2u)));
  EXPECT_EQ(line.page_bytes, 16 << 10);
  EXPECT_EQ(Only("1000 some new policy:0-3,5 stack N0=1").policy, "some new policy:0-3,5");
  EXPECT_EQ(Only("1000 default N=1 Nx=2 =3 N0=1").nodes.size(), 1u);
}

TEST(NumaMapsTest, MoreLinesThanMappingsAreCutAndSaidSo) {
  std::string text;
  for (size_t i = 0; i <= kPlacedMappingsMax; ++i) text += "1000 default\n";
  const NumaMaps maps = ParseNumaMaps(text);
  EXPECT_EQ(maps.lines.size(), kPlacedMappingsMax);
  EXPECT_TRUE(maps.truncated);
}

TEST(NumaMapsTest, WholeEscapesAloneAreUnescaped) {
  EXPECT_EQ(PlainName("a\\040b\\012c\\377"), "a b\nc\377");
  EXPECT_EQ(PlainName("\\04"), "\\04");
  EXPECT_EQ(PlainName("\\089\\400\\"), "\\089\\400\\");
  EXPECT_EQ(PlainName("\\\\040"), "\\ ");
}

}  // namespace
}  // namespace hftmon
