// Pages to the character, at the sizes that terminals have.
#include "client/top/top_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/top/screen_text.h"
#include "tests/client/top/top_answers.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Page(const TopModel& model, TopSize size, bool utf8 = false) {
  return PageText(RenderTop(model, TestTexts(), size, utf8));
}

// Each line is as wide as the page at most, and there are as many as it has.
void ExpectFits(const TopPage& page, TopSize size) {
  EXPECT_LE(page.lines.size(), static_cast<size_t>(size.height));
  for (const TopLine& line : page.lines) {
    int columns = 0;
    for (const TopSpan& span : line) columns += ColumnsOf(span.text);
    EXPECT_LE(columns, size.width);
  }
}

TEST(TopViewTest, EveryPageFitsEverySize) {
  TopModel model = FilledTop();
  model.Take(
      TopConnection{"NO ANSWER, trying again: hftmond: a long reason that does not fit at all, whatever the width of the terminal is"});
  model.Take(TopSpikeOf(9, "\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d", 4194304, 59'000'000'000));
  for (const char* keys : {"", "?", "?\n", "p", "/a filter that is longer than the narrowest page is wide"}) {
    PressAll(keys, &model);
    for (int width = 1; width <= 200; width += 3) {
      for (int height = 1; height <= 50; ++height) {
        for (const bool utf8 : {false, true}) ExpectFits(RenderTop(model, TestTexts(), {width, height}, utf8), {width, height});
      }
    }
  }
  TopModel opened = FilledTop();
  opened.Press(Special(TopKey::Kind::kEnter));
  for (int width = 1; width <= 200; ++width) ExpectFits(RenderTop(opened, TestTexts(), {width, 12}, true), {width, 12});
}

TEST(TopViewTest, TooSmallAPageSaysSo) {
  EXPECT_EQ(Page(FilledTop(), {39, 24}), "make it 40x8 or larger\n");
  EXPECT_EQ(Page(FilledTop(), {80, 7}), "make it 40x8 or larger\n");
}

TEST(TopViewTest, NamesCannotDriveTheTerminal) {
  TopModel model = FilledTop();
  model.Take(TopSpikeOf(9, "\033[2Jevil\x9b", 4711));
  for (const bool utf8 : {false, true}) {
    EXPECT_THAT(Page(model, {100, 30}, utf8), Not(HasSubstr("\033")));
    EXPECT_THAT(Page(model, {100, 30}, utf8), HasSubstr("?[2Jevil?"));
  }
}

TEST(TopViewTest, LossesStandInTheHeader) {
  TopModel model = FilledTop();
  v1::GetStatusResponse status = TopStatus();
  status.set_lost_records(12);
  v1::DropCounter* drop = status.add_drops();
  drop->set_name("recursion_misses");
  drop->set_count(3);
  drop->set_data_loss(true);
  model.Take(status);
  TopMetrics snapshot = TopSnapshot(false);
  snapshot.snapshot.set_lost_records(5);
  model.Take(snapshot);
  model.Take(TopStreamLosses{40});
  model.NoteDropped(2);
  const std::string page = Page(model, {140, 30});
  EXPECT_THAT(page, HasSubstr("12 records lost, 5 in the last 1s"));
  EXPECT_THAT(page, HasSubstr("drops: 3 recursion_misses"));
  EXPECT_THAT(page, HasSubstr("42 spikes not shown"));
}

TEST(TopViewTest, PauseFilterOffAndQuietStandInTheHeader) {
  TopModel model = FilledTop();
  v1::GetStatusResponse status = TopStatus();
  status.mutable_operation()->set_off(true);
  status.mutable_operation()->set_quiet(true);
  model.Take(status);
  PressAll("p/fe", &model);
  model.Take(TopSpikeOf(4));
  const std::string page = Page(model, {100, 30});
  EXPECT_THAT(page, HasSubstr("economy, quiet  OFF"));
  EXPECT_THAT(page, HasSubstr("PAUSED, 1 spike and 0 snapshots held back  filter: fe_"));
}

TEST(TopViewTest, WithoutTargetsItSaysHowToWatchSomething) {
  TopModel model;
  v1::GetStatusResponse status = TopStatus();
  status.set_target_count(0);
  model.Take(status);
  EXPECT_THAT(Page(model, {80, 24}), HasSubstr("nothing is watched: see `hftmon attach --help`"));
}

TEST(TopViewTest, OfTwoListsEachHasHalfAndWhatTheOtherDoesNotNeed) {
  TopModel model = FilledTop();
  for (uint64_t id = 10; id < 60; ++id) model.Take(TopSpikeOf(id));
  const TopPage page = RenderTop(model, TestTexts(), {80, 24}, false);
  EXPECT_EQ(page.room.rows, 3);
  EXPECT_EQ(page.room.spikes, 14);
}

TEST(TopViewTest, ASelectedSpikeBelowTheListIsScrolledInto) {
  TopModel model = FilledTop();
  for (uint64_t id = 10; id < 60; ++id) model.Take(TopSpikeOf(id, "t" + std::to_string(id)));
  PressAll("G", &model);
  EXPECT_THAT(Page(model, {80, 24}), HasSubstr("\n>03:04:04.001000"));
  EXPECT_THAT(Page(model, {80, 24}), Not(HasSubstr("t59[")));
}

}  // namespace
}  // namespace hftmon
