#include "daemon/pmu/event_modifiers.h"

#include <gmock/gmock.h>

namespace hftmon {
namespace {

using ::testing::HasSubstr;

EventEncoding Applied(std::string_view letters, std::optional<int> precise_max) {
  EventEncoding encoding;
  const absl::Status status = ApplyEventModifiers(letters, precise_max, &encoding);
  EXPECT_TRUE(status.ok()) << status;
  return encoding;
}

TEST(EventModifiersTest, WithoutAnyEverybodysCyclesCount) {
  EXPECT_EQ(Applied("", 3), EventEncoding());
}

TEST(EventModifiersTest, ThoseNamedCountAlone) {
  EXPECT_EQ(Applied("u", 3), (EventEncoding{.exclude_kernel = true, .exclude_hypervisor = true}));
  EXPECT_EQ(Applied("uk", 3), (EventEncoding{.exclude_hypervisor = true}));
  EXPECT_EQ(Applied("h", 3), (EventEncoding{.exclude_user = true, .exclude_kernel = true}));
}

TEST(EventModifiersTest, PrecisionIsAskedForByNumberOrAsMuchAsThereIs) {
  EXPECT_EQ(Applied("pp", 3).precise_ip, 2);
  EXPECT_EQ(Applied("P", 2).precise_ip, 2);
  EXPECT_EQ(Applied("P", std::nullopt).precise_ip, 0);
  EXPECT_EQ(Applied("p", 0).precise_ip, 1) << "the kernel knows better: AMD samples by another unit";
}

TEST(EventModifiersTest, WhatMeansNothingIsRefused) {
  EventEncoding encoding;
  for (const char* letters : {"x", "uu", "kuk", "pppp", "pP", "PP", "G", " u"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ApplyEventModifiers(letters, 3, &encoding))) << letters;
  }
  EXPECT_THAT(ApplyEventModifiers("p", std::nullopt, &encoding).message(), HasSubstr("would mean nothing"));
  EXPECT_EQ(encoding, EventEncoding());
}

}  // namespace
}  // namespace hftmon
