#include "daemon/os/event_terms.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(EventTermsTest, TermsKeepTheirOrderAndWhatIsGiven) {
  const auto terms = ParseEventTerms(" event=0xcd, umask=1,any,core=?\n");
  ASSERT_TRUE(terms.ok()) << terms.status();
  EXPECT_THAT(*terms,
              ElementsAre(EventTerm{"event", 0xcd}, EventTerm{"umask", 1}, EventTerm{"any"}, EventTerm{"core", std::nullopt, true}));
}

TEST(EventTermsTest, ANumberHasSixtyFourBits) {
  EXPECT_EQ(ParseEventNumber("0xffffffffffffffff"), ~uint64_t{0});
  EXPECT_EQ(ParseEventNumber("18446744073709551615"), ~uint64_t{0});
  for (const char* text : {"0x10000000000000000", "18446744073709551616", "-1", "+1", "0x-1", "", "0x", "1f", "0x1g", "1 2"}) {
    EXPECT_EQ(ParseEventNumber(text), std::nullopt) << text;
  }
}

TEST(EventTermsTest, WhatIsNoTermIsNamed) {
  for (const char* text :
       {"", ",", "event=1,", "event=1,,umask=2", "=1", "event=", "event=1=2", "event=x", "a b=1", "event=0x1;event=0x2"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseEventTerms(text).status())) << text;
  }
  EXPECT_THAT(ParseEventTerms("umask=1,event=zz").status().message(), HasSubstr("'event=zz'"));
  EXPECT_THAT(ParseEventTerms("event=1,event=2").status().message(), HasSubstr("'event' stands twice"));
}

TEST(EventTermsTest, AnEndlessTextIsRefused) {
  std::string many = "t0";
  for (size_t i = 1; i < kEventTermsMax; ++i) many += fmt::format(",t{}", i);
  EXPECT_TRUE(ParseEventTerms(many).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(ParseEventTerms(many + ",last").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(ParseEventTerms(std::string(kEventTextBytesMax + 1, 'a')).status()));
}

}  // namespace
}  // namespace hftmon
