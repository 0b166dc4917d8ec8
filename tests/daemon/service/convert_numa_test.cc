#include "daemon/service/convert_numa.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

MappingPlacement RowOf(uint64_t start, std::string name, std::vector<NodeShare> nodes) {
  MappingPlacement row;
  row.start = start;
  row.end = start + 4'096;
  row.name = std::move(name);
  row.kind = MappingKind::kHeap;
  row.page_count = row.sampled_count = 1;
  row.nodes = std::move(nodes);
  row.exact = true;
  return row;
}

NumaLook LookWithARange() {
  ProcessPlacement placement;
  placement.mappings = {RowOf(0x10000, "[heap]", {}), RowOf(0x20000, "", {})};
  placement.ranges = {RowOf(0x10800, "book", {{.node = 2, .pages = 1, .share = 1, .interval = {.low = 1, .high = 1}}})};
  placement.ranges[0].policy = "bind:2";
  placement.unavailable = {{.part = "ranges", .reason = "1 range is refused"}};
  NumaLook look;
  look.processes.push_back({.pid = 7});
  look.processes[0].placement = std::move(placement);
  return look;
}

TEST(ConvertNuma, RangesThatTheProgramNamesAreToldByItsNamesBesideTheMappings) {
  v1::QueryNumaResponse response;
  NumaLookToProto(LookWithARange(), v1::HEAT_MAP_RESOLUTION_UNSPECIFIED, &response);
  ASSERT_EQ(response.processes_size(), 1);
  const v1::ProcessPlacement& process = response.processes(0);
  EXPECT_EQ(process.mappings_size(), 2);
  EXPECT_EQ(process.mappings(0).kind(), "heap");
  ASSERT_EQ(process.ranges_size(), 1);
  const v1::MappingPlacement& range = process.ranges(0);
  EXPECT_EQ(range.name(), "book");
  EXPECT_EQ(range.kind(), "range");
  EXPECT_EQ(range.start(), 0x10800u);
  EXPECT_EQ(range.end(), 0x11800u);
  EXPECT_EQ(range.nodes(0).node(), 2);
  EXPECT_EQ(range.policy(), "bind:2");
  EXPECT_TRUE(range.exact());
  ASSERT_EQ(process.unavailable_size(), 1);
  EXPECT_EQ(process.unavailable(0).part(), "ranges");
}

TEST(ConvertNuma, RangesAreRowsOfTheAnswerAndOfNoHeatMap) {
  v1::QueryNumaResponse response;
  NumaLookToProto(LookWithARange(), v1::HEAT_MAP_RESOLUTION_NODE, &response);
  EXPECT_EQ(RowsOf(response), 3);
  EXPECT_EQ(response.processes(0).heat_map().rows_size(), 0) << "no page of a mapping was found";
}

}  // namespace
}  // namespace hftmon
