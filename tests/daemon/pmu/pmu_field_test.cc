#include "daemon/pmu/pmu_field.h"

#include <gmock/gmock.h>

namespace hftmon {
namespace {

using ::testing::HasSubstr;

TEST(PmuFieldTest, AValueIsSpreadOverItsBitsLowestFirst) {
  const auto field = ParsePmuField("config:0-7,32-35\n");
  ASSERT_TRUE(field.ok()) << field.status();
  EXPECT_EQ(field->width(), 12);
  EXPECT_EQ(field->value_max(), 0xfffu);
  EventEncoding encoding{.config = 0x1800};
  field->Put(0x18e, &encoding);
  EXPECT_EQ(encoding.config, 0x10000188eu);
  field->Put(0x3, &encoding);
  EXPECT_EQ(encoding.config, 0x1803u) << "what was there before is gone";
}

TEST(PmuFieldTest, EachWordAndTheWholeOfIt) {
  EventEncoding encoding;
  const char* texts[] = {"config", "config1:0-63", "config2:63", "config3:4,0-1"};
  const uint64_t values[] = {~uint64_t{0}, ~uint64_t{0}, 1, 3};
  for (size_t i = 0; i < 4; ++i) {
    const auto field = ParsePmuField(texts[i]);
    ASSERT_TRUE(field.ok()) << field.status();
    EXPECT_EQ(field->word, static_cast<int>(i));
    field->Put(values[i], &encoding);
  }
  EXPECT_EQ(encoding.config, ~uint64_t{0});
  EXPECT_EQ(encoding.config1, ~uint64_t{0});
  EXPECT_EQ(encoding.config2, uint64_t{1} << 63);
  EXPECT_EQ(encoding.config3, 0x11u);
}

TEST(PmuFieldTest, WhatIsNoFormatIsNamed) {
  for (const char* text : {"", "config4:0", "attr:0-7", "config:", "config:64", "config:7-0", "config:-1", "config:0-", "config:0-7,",
                           "config:0-7,7", "config:a", "config :0", "config:0-7 "}) {
    const bool trimmed_is_good = std::string_view(text) == "config:0-7 ";
    EXPECT_EQ(ParsePmuField(text).ok(), trimmed_is_good) << text;
  }
  EXPECT_THAT(ParsePmuField("config:0-7,7").status().message(), HasSubstr("'config:0-7,7': a bit stands twice"));
}

}  // namespace
}  // namespace hftmon
