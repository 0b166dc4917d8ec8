#include "common/perf/perf_address_spaces.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

namespace hftmon {
namespace {

PerfMapping Mapping(uint32_t pid, uint64_t start, uint64_t bytes, std::string_view name, uint64_t file_offset = 0) {
  return {.pid = pid, .start = start, .bytes = bytes, .file_offset = file_offset, .name = name};
}

std::string NameAt(const PerfAddressSpaces& spaces, uint32_t pid, uint64_t address) {
  const MappedRange* const range = spaces.Find(pid, address);
  return range == nullptr ? "" : std::string(range->name);
}

TEST(PerfAddressSpacesTest, AnAddressIsOfTheRangeAroundIt) {
  PerfAddressSpaces spaces;
  spaces.OnMapping(Mapping(7, 0x1000, 0x1000, "a"));
  spaces.OnMapping(Mapping(7, 0x3000, 0x1000, "b"));
  EXPECT_EQ(NameAt(spaces, 7, 0xfff), "");
  EXPECT_EQ(NameAt(spaces, 7, 0x1000), "a");
  EXPECT_EQ(NameAt(spaces, 7, 0x1fff), "a");
  EXPECT_EQ(NameAt(spaces, 7, 0x2000), "");
  EXPECT_EQ(NameAt(spaces, 7, 0x3fff), "b");
  EXPECT_EQ(NameAt(spaces, 7, ~uint64_t{0}), "");
  EXPECT_EQ(NameAt(spaces, 8, 0x1000), "");
}

TEST(PerfAddressSpacesTest, AMappingCoversWhatWasThereAndLeavesTheRest) {
  PerfAddressSpaces spaces;
  spaces.OnMapping(Mapping(7, 0x1000, 0x4000, "lib", 0x100));
  spaces.OnMapping(Mapping(7, 0x2000, 0x1000, "bss"));
  EXPECT_EQ(NameAt(spaces, 7, 0x1fff), "lib");
  EXPECT_EQ(NameAt(spaces, 7, 0x2000), "bss");
  ASSERT_EQ(NameAt(spaces, 7, 0x3000), "lib");
  EXPECT_EQ(spaces.Find(7, 0x3000)->file_offset, 0x2100u) << "of its new beginning";
  EXPECT_EQ(spaces.Find(7, 0x1000)->end, 0x2000u);
  spaces.OnMapping(Mapping(7, 0x1800, 0x8000, "all"));
  EXPECT_EQ(NameAt(spaces, 7, 0x17ff), "lib");
  for (const uint64_t address : {0x1800, 0x2000, 0x4fff, 0x97ff}) EXPECT_EQ(NameAt(spaces, 7, address), "all");
}

TEST(PerfAddressSpacesTest, AChildBeginsWithItsParentsMappingsAndGoesItsOwnWay) {
  PerfAddressSpaces spaces;
  spaces.OnMapping(Mapping(7, 0x1000, 0x1000, "a"));
  spaces.OnFork({.pid = 8, .parent_pid = 7, .tid = 8, .parent_tid = 7});
  spaces.OnMapping(Mapping(8, 0x1000, 0x1000, "child"));
  spaces.OnMapping(Mapping(7, 0x5000, 0x1000, "later"));
  EXPECT_EQ(NameAt(spaces, 7, 0x1000), "a");
  EXPECT_EQ(NameAt(spaces, 8, 0x1000), "child");
  EXPECT_EQ(NameAt(spaces, 8, 0x5000), "");
  spaces.OnFork({.pid = 7, .parent_pid = 7, .tid = 9, .parent_tid = 7});  // a thread
  EXPECT_EQ(NameAt(spaces, 7, 0x5000), "later");
}

TEST(PerfAddressSpacesTest, AnExecEmptiesTheSpaceAndAnotherNameDoesNot) {
  PerfAddressSpaces spaces;
  spaces.OnMapping(Mapping(7, 0x1000, 0x1000, "a"));
  spaces.OnComm({.pid = 7, .tid = 7, .exec = false, .name = "x"});
  EXPECT_EQ(NameAt(spaces, 7, 0x1000), "a");
  spaces.OnComm({.pid = 7, .tid = 7, .exec = true, .name = "x"});
  EXPECT_EQ(NameAt(spaces, 7, 0x1000), "");
  // A number that is taken again begins anew, with or without mappings of the parent's.
  spaces.OnMapping(Mapping(7, 0x1000, 0x1000, "a"));
  spaces.OnFork({.pid = 7, .parent_pid = 99, .tid = 7, .parent_tid = 99});
  EXPECT_EQ(NameAt(spaces, 7, 0x1000), "");
}

TEST(PerfAddressSpacesTest, TheKernelIsInEveryProcess) {
  PerfAddressSpaces spaces;
  PerfMapping kernel = Mapping(~0u, 0xffffffff81000000, 0x1000000, "[kernel.kallsyms]_text");
  kernel.kernel = true;
  spaces.OnMapping(kernel);
  EXPECT_EQ(NameAt(spaces, 12, 0xffffffff81000010), "[kernel.kallsyms]_text");
  EXPECT_TRUE(spaces.Find(12, 0xffffffff81000010)->kernel);
}

TEST(PerfAddressSpacesTest, OnlyAddressesOfTheUpperHalfAreTheKernels) {
  PerfAddressSpaces spaces;
  // As perfs of ten years write it: all there is, and modules from 0 on.
  PerfMapping kernel = Mapping(~0u, 0, ~uint64_t{0}, "[kernel.kallsyms]_text");
  PerfMapping module = Mapping(~0u, 0, 0x2000, "[module]");
  kernel.kernel = module.kernel = true;
  spaces.OnMapping(kernel);
  spaces.OnMapping(module);
  spaces.OnMapping(Mapping(7, 0x7f0000001000, 0x1000, "/lib/libc.so.6"));
  EXPECT_EQ(NameAt(spaces, 7, 0x7f0000001000), "/lib/libc.so.6");
  for (const uint64_t address : {uint64_t{0}, uint64_t{0x1000}, uint64_t{0x5000}, uint64_t{0x7f0000002000}, ~uint64_t{0} >> 1}) {
    EXPECT_EQ(NameAt(spaces, 7, address), "") << address;
    EXPECT_EQ(NameAt(spaces, ~0u - 1, address), "") << address;
  }
  for (const uint64_t address : {uint64_t{1} << 63, uint64_t{0xffff888000000000}, uint64_t{0xffffffff81000010}}) {
    EXPECT_EQ(NameAt(spaces, 7, address), "[kernel.kallsyms]_text") << address;
  }
}

TEST(PerfAddressSpacesTest, TheKernelsOffsetIsWhatPerfWroteAlsoBehindACut) {
  PerfAddressSpaces spaces;
  PerfMapping kernel = Mapping(~0u, 0xffffffff81000000, 0x3000, "[kernel.kallsyms]_text", 0xffffffff81000000);
  PerfMapping module = Mapping(~0u, 0xffffffff81001000, 0x1000, "[module]");
  kernel.kernel = module.kernel = true;
  spaces.OnMapping(kernel);
  spaces.OnMapping(module);
  ASSERT_EQ(NameAt(spaces, 7, 0xffffffff81002000), "[kernel.kallsyms]_text");
  EXPECT_EQ(spaces.Find(7, 0xffffffff81002000)->file_offset, 0xffffffff81000000u);
}

TEST(PerfAddressSpacesTest, WhatFindsNoRoomIsCounted) {
  PerfAddressSpaces spaces({.mappings_per_process = 4, .mappings = 10, .processes = 2});
  for (uint64_t i = 0; i < 6; ++i) spaces.OnMapping(Mapping(7, 0x1000 * i, 0x1000, "a"));
  EXPECT_EQ(spaces.dropped_count(), 3u) << "room is kept for what a mapping splits";
  spaces.OnFork({.pid = 8, .parent_pid = 7});
  spaces.OnFork({.pid = 9, .parent_pid = 7});
  spaces.OnMapping(Mapping(10, 0, 0x1000, "a"));
  EXPECT_EQ(spaces.dropped_count(), 5u);
  // Room that was given back can be had again.
  spaces.OnComm({.pid = 8, .exec = true});
  spaces.OnMapping(Mapping(10, 0, 0x1000, "a"));
  EXPECT_EQ(spaces.dropped_count(), 5u);
  EXPECT_EQ(NameAt(spaces, 10, 0), "a");
}

TEST(PerfAddressSpacesTest, MappingsThatAreCopiedAreBoundedOverTheWholeRecording) {
  PerfAddressSpaces spaces({.copied_mappings = 10});
  for (uint64_t i = 0; i < 4; ++i) spaces.OnMapping(Mapping(7, 0x1000 * i, 0x1000, "parent"));
  const auto fork_and_map = [&] {
    spaces.OnFork({.pid = 8, .parent_pid = 7});
    spaces.OnMapping(Mapping(8, 0x9000, 0x1000, "child"));
  };
  fork_and_map();
  fork_and_map();
  EXPECT_EQ(spaces.dropped_count(), 0u);
  EXPECT_EQ(NameAt(spaces, 8, 0x9000), "child");
  fork_and_map();
  EXPECT_EQ(spaces.dropped_count(), 1u);
  EXPECT_EQ(NameAt(spaces, 8, 0x9000), "");
  EXPECT_EQ(NameAt(spaces, 8, 0x1000), "parent") << "what both see stays";
  // What needs no copy is kept still.
  spaces.OnMapping(Mapping(9, 0x9000, 0x1000, "other"));
  spaces.OnComm({.pid = 8, .exec = true});
  spaces.OnMapping(Mapping(8, 0x9000, 0x1000, "after exec"));
  EXPECT_EQ(NameAt(spaces, 9, 0x9000), "other");
  EXPECT_EQ(NameAt(spaces, 8, 0x9000), "after exec");
  EXPECT_EQ(spaces.dropped_count(), 1u);
}

TEST(PerfAddressSpacesTest, NamesAreKeptOnceAndBounded) {
  PerfAddressSpaces spaces({.text_bytes = 150});
  for (uint64_t i = 0; i < 6; ++i) spaces.OnMapping(Mapping(7, 0x1000 * i, 0x1000, std::string("library")));
  EXPECT_EQ(spaces.dropped_count(), 0u);
  EXPECT_EQ(spaces.Find(7, 0)->name.data(), spaces.Find(7, 0x5000)->name.data());
  spaces.OnMapping(Mapping(7, 0x9000, 0x1000, "other"));
  EXPECT_EQ(spaces.dropped_count(), 1u);
  EXPECT_EQ(NameAt(spaces, 7, 0x9000), "");
}

TEST(PerfAddressSpacesTest, AnyMappingsAgreeWithATableOfPages) {
  constexpr uint64_t kPages = 64;
  for (uint64_t seed = 0; seed < 50 && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    PerfAddressSpaces spaces;
    std::map<uint32_t, std::vector<std::string>> pages;
    for (uint32_t pid = 0; pid < 3; ++pid) pages[pid].resize(kPages);
    for (int step = 0; step < 200; ++step) {
      const auto pid = static_cast<uint32_t>(random() % 3);
      if (random() % 16 == 0) {
        const auto child = static_cast<uint32_t>(random() % 3);
        spaces.OnFork({.pid = child, .parent_pid = pid, .tid = child, .parent_tid = pid});
        if (child != pid) pages[child] = pages[pid];
        continue;
      }
      const uint64_t first = random() % kPages;
      const uint64_t count = 1 + random() % (kPages - first);
      const std::string name = std::to_string(step);
      spaces.OnMapping(Mapping(pid, first * 4096, count * 4096, name));
      for (uint64_t page = first; page < first + count; ++page) pages[pid][page] = name;
    }
    for (uint32_t pid = 0; pid < 3; ++pid) {
      for (uint64_t page = 0; page < kPages; ++page) ASSERT_EQ(NameAt(spaces, pid, page * 4096 + 17), pages[pid][page]) << page;
    }
  }
}

}  // namespace
}  // namespace hftmon
