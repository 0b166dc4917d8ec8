// Parts of a recording file: what was appended comes back, and what was cut off is told from what is damaged.
#include "client/recording/recording_format.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

v1::RecordingPart Warning(const std::string& text) {
  v1::RecordingPart part;
  part.mutable_warning()->set_text(text);
  return part;
}

TEST(RecordingFormatTest, PartsComeBackInTheirOrder) {
  std::string bytes;
  const std::string long_text(300, 'x');  // its length takes two bytes
  AppendRecordingPart(Warning("one"), &bytes);
  AppendRecordingPart(Warning(long_text), &bytes);
  std::string_view left = bytes;
  v1::RecordingPart part;
  ASSERT_EQ(TakeRecordingPart(&left, &part), PartRead::kPart);
  EXPECT_EQ(part.warning().text(), "one");
  ASSERT_EQ(TakeRecordingPart(&left, &part), PartRead::kPart);
  EXPECT_EQ(part.warning().text(), long_text);
  EXPECT_EQ(TakeRecordingPart(&left, &part), PartRead::kEnd);
}

TEST(RecordingFormatTest, ACutAnywhereWithinAPartIsTold) {
  std::string bytes;
  AppendRecordingPart(Warning(std::string(300, 'x')), &bytes);
  for (size_t length = 1; length < bytes.size(); ++length) {
    std::string_view left = std::string_view(bytes).substr(0, length);
    v1::RecordingPart part;
    ASSERT_EQ(TakeRecordingPart(&left, &part), PartRead::kCutOff) << length;
    EXPECT_EQ(left.size(), length) << "nothing is taken";
  }
}

TEST(RecordingFormatTest, WhatCannotBeAPartIsDamage) {
  v1::RecordingPart part;
  std::string_view no_message = "\x03\xff\xff\xff";
  EXPECT_EQ(TakeRecordingPart(&no_message, &part), PartRead::kDamaged);
  std::string_view endless_length = "\xff\xff\xff\xff\xff\xff";
  EXPECT_EQ(TakeRecordingPart(&endless_length, &part), PartRead::kDamaged);
  std::string_view too_long = "\xff\xff\xff\xff\x0f";
  EXPECT_EQ(TakeRecordingPart(&too_long, &part), PartRead::kDamaged);
}

}  // namespace
}  // namespace hftmon
