#include "client/cli/import/timed_records.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace hftmon {
namespace {

using ::testing::ElementsAre;

constexpr uint32_t kPid = 7;

class TimedRecordsTest : public ::testing::Test {
 protected:
  void Map(int64_t time_ns, std::string_view name) {
    PerfMapping mapping{.pid = kPid, .start = 0x1000, .bytes = 0x1000, .name = name};
    mapping.sample_id.time_ns = time_ns;
    records_.AddMapping(mapping);
  }
  bool Access(int64_t time_ns) { return records_.AddAccess({.pid = kPid, .time_ns = time_ns, .address = 0x1008, .source = {}}); }
  auto Tell() {
    return [this](const MemoryAccess& access) {
      const MappedRange* const range = spaces_.Find(kPid, access.address);
      told_.push_back(std::to_string(access.time_ns) + (range == nullptr ? "" : std::string(range->name)));
    };
  }

  TimedRecords records_{3};
  PerfAddressSpaces spaces_;
  std::vector<std::string> told_;
};

TEST_F(TimedRecordsTest, WhatIsLaterStaysWithItsMappings) {
  Map(30, "c");
  Map(10, "a");
  Map(20, "b");
  EXPECT_TRUE(Access(35) && Access(15) && Access(20));
  EXPECT_FALSE(Access(40));
  EXPECT_EQ(records_.DrainUntil(20, &spaces_, Tell()), 2u);
  EXPECT_THAT(told_, ElementsAre("15a", "20b"));
  EXPECT_TRUE(Access(25));
  records_.Drain(&spaces_, Tell());
  EXPECT_THAT(told_, ElementsAre("15a", "20b", "25b", "35c"));
  EXPECT_TRUE(Access(1) && Access(2) && Access(3)) << "the room is free again";
}

}  // namespace
}  // namespace hftmon
