#include "client/top/top_keys.h"

#include <gtest/gtest.h>

#include "tests/client/top/top_answers.h"

namespace hftmon {
namespace {

TEST(TopKeysTest, LettersAndTheKeysOfTheirNamesAskForTheSame) {
  for (const auto& [letter, kind] : {std::pair{"k", TopKey::Kind::kUp}, std::pair{"j", TopKey::Kind::kDown},
                                     std::pair{"g", TopKey::Kind::kHome}, std::pair{"G", TopKey::Kind::kEnd}}) {
    EXPECT_EQ(CommandOf(Character(letter), TopPageKind::kOverview), CommandOf(Special(kind), TopPageKind::kOverview)) << letter;
  }
  EXPECT_EQ(CommandOf(Character("p"), TopPageKind::kOverview), CommandOf(Character(" "), TopPageKind::kOverview));
}

TEST(TopKeysTest, WhatCannotBeSeenOnAPageIsNotChangedThere) {
  EXPECT_EQ(CommandOf(Character("s"), TopPageKind::kOverview), TopCommand::kNextSort);
  EXPECT_EQ(CommandOf(Character("s"), TopPageKind::kBudget), TopCommand::kNone);
  EXPECT_EQ(CommandOf(Character("/"), TopPageKind::kHelp), TopCommand::kNone);
  EXPECT_EQ(CommandOf(Character("q"), TopPageKind::kBudget), TopCommand::kQuit);
  EXPECT_EQ(CommandOf(Special(TopKey::Kind::kEscape), TopPageKind::kHelp), TopCommand::kBack);
}

TEST(TopKeysTest, WhileTypingLettersAreText) {
  EXPECT_EQ(CommandWhileTyping(Character("q")), TopCommand::kType);
  EXPECT_EQ(CommandWhileTyping(Special(TopKey::Kind::kEnter)), TopCommand::kAccept);
  EXPECT_EQ(CommandWhileTyping(Special(TopKey::Kind::kEscape)), TopCommand::kCancel);
  EXPECT_EQ(CommandWhileTyping(Special(TopKey::Kind::kUp)), TopCommand::kNone);
}

TEST(TopKeysTest, UnknownKeysAskForNothing) {
  EXPECT_EQ(CommandOf(Character("ö"), TopPageKind::kOverview), TopCommand::kNone);
  EXPECT_EQ(CommandOf(Special(TopKey::Kind::kOther), TopPageKind::kOverview), TopCommand::kNone);
}

}  // namespace
}  // namespace hftmon
