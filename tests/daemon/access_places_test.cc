#include "daemon/access_places.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

constexpr char kBefore[] =
    "400000-402000 r-xp 00001000 fd:00 11 /opt/engine\n"
    "500000-501000 rw-p 00000000 00:00 0 [heap]\n"
    "600000-601000 rw-p 00000000 00:00 0 \n"
    "700000-701000 r-xp 00000000 fd:00 12 /opt/plugin\n"
    "900000-901000 rw-p 00000000 00:00 0 [stack]\n";
constexpr char kAfter[] =
    "400000-402000 r-xp 00001000 fd:00 11 /opt/engine\n"
    "500000-509000 rw-p 00000000 00:00 0 [heap]\n"
    "5ff000-601000 rw-p 00000000 00:00 0 \n"
    "700000-701000 r-xp 00000000 fd:00 13 /opt/other\n";

class AccessPlacesTest : public ::testing::Test {
 protected:
  const AccessMappings mappings_{.before = ProcMaps::Parse(kBefore), .after = ProcMaps::Parse(kAfter)};
};

TEST_F(AccessPlacesTest, AFilesPlaceIsItsOffsetThereAndAnothersItsOffsetInTheMapping) {
  const std::optional<AddressPlace> code = PlaceOf(mappings_, 0x400010);
  ASSERT_TRUE(code.has_value());
  EXPECT_EQ(code->mapping, "/opt/engine");
  EXPECT_EQ(code->offset, 0x1010u);
  EXPECT_FALSE(code->kernel);
  EXPECT_EQ(PlaceOf(mappings_, 0x500040)->mapping, "[heap]");
  EXPECT_EQ(PlaceOf(mappings_, 0x500040)->offset, 0x40u);
  EXPECT_EQ(PlaceOf(mappings_, 0x600040)->mapping, "[anonymous]");
  EXPECT_EQ(PlaceOf(mappings_, 0x600040)->offset, 0x1040u) << "in the mapping as it was last";
}

TEST_F(AccessPlacesTest, WhatIsMappedAtOneOfTheTwoTimesOnlyIsNamedAndWhatChangedIsNot) {
  EXPECT_EQ(PlaceOf(mappings_, 0x508000)->mapping, "[heap]") << "mapped meanwhile";
  EXPECT_EQ(PlaceOf(mappings_, 0x900000)->mapping, "[stack]") << "unmapped meanwhile";
  EXPECT_FALSE(PlaceOf(mappings_, 0x700000).has_value()) << "another file";
  EXPECT_FALSE(PlaceOf(mappings_, 0x800000).has_value()) << "nothing";
}

TEST_F(AccessPlacesTest, TheKernelsHalfIsKnownWithoutMappings) {
  const std::optional<AddressPlace> place = PlaceOf({}, 0xffffffff81000000);
  ASSERT_TRUE(place.has_value());
  EXPECT_EQ(place->mapping, "[kernel]");
  EXPECT_TRUE(place->kernel);
  EXPECT_FALSE(PlaceOf({}, 0x400010).has_value());
}

TEST_F(AccessPlacesTest, ALineHasAPlaceForItsDataAndForEachOfItsSites) {
  ContendedLine line;
  line.address = 0x500040;
  line.sites = {{.code_address = 0x400010}, {.code_address = 0x800000}};
  const std::vector<LinePlaces> places = PlacesOf(mappings_, {line});
  ASSERT_EQ(places.size(), 1u);
  EXPECT_EQ(places[0].data->mapping, "[heap]");
  ASSERT_EQ(places[0].code.size(), 2u);
  EXPECT_EQ(places[0].code[0]->mapping, "/opt/engine");
  EXPECT_FALSE(places[0].code[1].has_value());
}

}  // namespace
}  // namespace hftmon
