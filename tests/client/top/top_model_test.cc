#include "client/top/top_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/top/top_answers.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Names(const TopModel& model) {
  std::vector<std::string> names;
  for (const TopRow& row : model.Rows()) names.push_back(row.name);
  return names;
}

std::vector<uint64_t> Ids(const TopModel& model) {
  std::vector<uint64_t> ids;
  for (const TopSpike* spike : model.Spikes()) ids.push_back(spike->spike.id());
  return ids;
}

uint64_t SelectedId(const TopModel& model) {
  const auto spikes = model.Spikes();
  return spikes[model.SelectedSpike(spikes)]->spike.id();
}

TEST(TopModelTest, EachSortHasItsOrderAndComesRound) {
  TopModel model = FilledTop();
  EXPECT_THAT(Names(model), ElementsAre("matcher", "feed", "logger"));  // spikes
  PressAll("s", &model);
  EXPECT_THAT(Names(model), ElementsAre("logger", "matcher", "feed"));  // max
  PressAll("s", &model);
  EXPECT_THAT(Names(model), ElementsAre("matcher", "feed", "logger"));  // p99: what has none comes last
  PressAll("sss", &model);
  EXPECT_EQ(model.sort(), TopSort::kSwitches);
  EXPECT_THAT(Names(model), ElementsAre("feed", "matcher", "logger"));
  PressAll("s", &model);
  EXPECT_THAT(Names(model), ElementsAre("feed", "logger", "matcher"));  // name
  PressAll("ss", &model);
  EXPECT_EQ(model.sort(), TopSort::kSpikes);
  PressAll("<", &model);
  EXPECT_EQ(model.sort(), TopSort::kNumber);
}

TEST(TopModelTest, AFilterHoldsForBothListsWhileItIsTyped) {
  TopModel model = FilledTop();
  PressAll("/FEE", &model);
  EXPECT_TRUE(model.typing());
  EXPECT_THAT(Names(model), ElementsAre("feed"));
  EXPECT_THAT(Ids(model), ElementsAre(2));
  model.Press(Special(TopKey::Kind::kEnter));
  EXPECT_FALSE(model.typing());
  PressAll("c", &model);
  EXPECT_EQ(Names(model).size(), 3u);
}

TEST(TopModelTest, ANumberIsAWholeIdAndNotAPartOfOne) {
  TopModel model = FilledTop();
  PressAll("/4712", &model);
  EXPECT_THAT(Names(model), ElementsAre("logger"));
  model.Press(Special(TopKey::Kind::kBackspace));
  EXPECT_TRUE(Names(model).empty());
}

TEST(TopModelTest, EscLeavesTheFilterAsItWas) {
  TopModel model = FilledTop();
  PressAll("/feed", &model);
  model.Press(Special(TopKey::Kind::kEnter));
  PressAll("/logger", &model);
  model.Press(Special(TopKey::Kind::kEscape));
  EXPECT_EQ(model.filter(), "feed");
}

TEST(TopModelTest, AFilterIsBoundedAndErasedByCharacters) {
  TopModel model;
  PressAll("/", &model);
  for (int i = 0; i < 100; ++i) model.Press(Character("ö"));
  EXPECT_EQ(model.filter().size(), TopModel::kFilterMax);
  model.Press(Special(TopKey::Kind::kBackspace));
  EXPECT_EQ(model.filter().size(), TopModel::kFilterMax - 2);
}

TEST(TopModelTest, WhilePausedTheViewStandsStillAndWhatCameIsCountedAndShownAfterwards) {
  TopModel model = FilledTop();
  PressAll("p", &model);
  model.Take(TopSpikeOf(4));
  model.Take(TopSnapshot(false));
  model.Take(TopSnapshot(true, 5));
  EXPECT_TRUE(model.paused());
  EXPECT_EQ(model.held_spikes(), 1u);
  EXPECT_EQ(model.held_snapshots(), 1u);
  EXPECT_THAT(Ids(model), ElementsAre(3, 2, 1));
  EXPECT_EQ(model.Rows()[0].spike_count, 2u);
  PressAll(" ", &model);
  EXPECT_THAT(Ids(model), ElementsAre(4, 3, 2, 1));
  EXPECT_EQ(model.Rows()[0].spike_count, 7u);
  EXPECT_EQ(model.held_spikes(), 0u);
}

TEST(TopModelTest, ThatTheDaemonIsGoneIsToldWhilePausedToo) {
  TopModel model = FilledTop();
  PressAll("p", &model);
  model.Take(TopConnection{"NO ANSWER"});
  EXPECT_EQ(model.data().trouble(), "NO ANSWER");
}

TEST(TopModelTest, ASelectedSpikeStaysSelectedWhenNewerOnesCome) {
  TopModel model = FilledTop();
  EXPECT_EQ(SelectedId(model), 3u);
  model.Take(TopSpikeOf(4));
  EXPECT_EQ(SelectedId(model), 4u);  // the newest, whichever it is
  PressAll("j", &model);
  EXPECT_EQ(SelectedId(model), 3u);
  model.Take(TopSpikeOf(5));
  EXPECT_EQ(SelectedId(model), 3u);
  PressAll("G", &model);
  EXPECT_EQ(SelectedId(model), 1u);
  PressAll("jg", &model);
  EXPECT_EQ(SelectedId(model), 5u);
}

TEST(TopModelTest, EnterOpensTheSelectedSpikeAndEscLeavesIt) {
  TopModel model = FilledTop();
  PressAll("j", &model);
  model.Press(Special(TopKey::Kind::kEnter));
  ASSERT_NE(model.opened(), nullptr);
  EXPECT_EQ(model.opened()->spike.id(), 2u);
  EXPECT_EQ(model.TakeLookedFor()->spike.id(), 2u);
  EXPECT_FALSE(model.TakeLookedFor().has_value());
  model.Press(Special(TopKey::Kind::kEscape));
  EXPECT_EQ(model.opened(), nullptr);
  EXPECT_EQ(SelectedId(model), 2u);
}

TEST(TopModelTest, AnOpenSpikeIsShownAsItEndedAndKeptWhenTheListForgetsIt) {
  TopModel model = FilledTop();
  TopSpike begun = TopSpikeOf(9, "matcher", 4711, 60'000);
  begun.spike.set_in_progress(true);
  model.Take(begun);
  model.Press(Special(TopKey::Kind::kEnter));
  model.Take(TopSpikeOf(9, "matcher", 4711, 700'000));
  EXPECT_EQ(model.opened()->spike.duration_ns(), 700'000);
  for (uint64_t id = 10; id < 10 + TopData::kSpikesMax; ++id) model.Take(TopSpikeOf(id));
  EXPECT_EQ(model.opened()->spike.id(), 9u);
}

TEST(TopModelTest, EnterOnARowShowsItsSpikesAloneAndEscAllAgain) {
  TopModel model = FilledTop();
  model.Press(Special(TopKey::Kind::kTab));
  PressAll("j", &model);
  model.Press(Special(TopKey::Kind::kEnter));
  EXPECT_EQ(model.filter(), "5000");
  EXPECT_THAT(Ids(model), ElementsAre(2));
  EXPECT_FALSE(model.moves_in_table());
  model.Press(Special(TopKey::Kind::kEscape));
  EXPECT_THAT(Ids(model), ElementsAre(3, 2, 1));
}

TEST(TopModelTest, ASelectedRowIsFollowedWhereverTheOrderPutsIt) {
  TopModel model = FilledTop();
  model.Press(Special(TopKey::Kind::kTab));
  PressAll("j", &model);
  EXPECT_EQ(model.Rows()[model.SelectedRow(model.Rows())].name, "feed");
  PressAll("sssss", &model);
  EXPECT_EQ(model.SelectedRow(model.Rows()), 0u);
  EXPECT_EQ(model.Rows()[0].name, "feed");
}

TEST(TopModelTest, SpikesMayStandByDuration) {
  TopModel model = FilledTop();
  PressAll("o", &model);
  EXPECT_THAT(Ids(model), ElementsAre(1, 3, 2));
}

TEST(TopModelTest, TargetsAndThreadsTakeTurns) {
  TopModel model = FilledTop();
  PressAll("t", &model);
  EXPECT_THAT(Names(model), ElementsAre("matcher", "feed"));
  PressAll("t", &model);
  EXPECT_EQ(Names(model).size(), 3u);
}

TEST(TopModelTest, HelpLeadsBackToWhereItWasAskedFor) {
  TopModel model = FilledTop();
  model.Press(Special(TopKey::Kind::kEnter));
  PressAll("?", &model);
  EXPECT_EQ(model.page(), TopPageKind::kHelp);
  PressAll("?", &model);
  EXPECT_EQ(model.page(), TopPageKind::kBudget);
}

TEST(TopModelTest, ScrollingEndsWithTheText) {
  TopModel model = FilledTop();
  PressAll("?", &model);
  model.SetRoom({.lines = 10, .line_count = 25});
  PressAll("G", &model);
  EXPECT_EQ(model.scroll(), 15);
  PressAll("j", &model);
  EXPECT_EQ(model.scroll(), 15);
  model.Press(Special(TopKey::Kind::kPageUp));
  EXPECT_EQ(model.scroll(), 5);
  model.SetRoom({.lines = 24, .line_count = 25});  // a larger window
  EXPECT_EQ(model.scroll(), 1);
}

TEST(TopModelTest, KeysOnEmptyListsDoNothing) {
  TopModel model;
  PressAll("jkGgs", &model);
  model.Press(Special(TopKey::Kind::kEnter));
  EXPECT_EQ(model.page(), TopPageKind::kOverview);
  EXPECT_FALSE(model.Press(Character("q")));
}

}  // namespace
}  // namespace hftmon
