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

TEST(TopViewTest, ThePageOf40By10) {
  EXPECT_EQ(Page(FilledTop(), {40, 10}), R"(hftmon top  hftmond 0.1.0[77]   03:04:05
threads by spikes  figures of the last ~
     tid name                max spikes
>   4711 matcher           312us      2
    5000 feed               66us      1
-- 3 spikes, newest first --------------
 began       took  largest cause
>03:04:04    98us  90 % stress[992]
 03:04:04    66us  90 % stress[992]
 03:04:04   312us  90 % stress[992]
)");
}

TEST(TopViewTest, ThePageOf80By24) {
  EXPECT_EQ(Page(FilledTop(), {80, 24}), R"(hftmon top  hftmond 0.1.0[77]  economy  cost 1.2 % of a core, 20 MiB    03:04:05
2 targets  no records lost  no drops
threads by spikes  figures of the last 1s
     tid name                pid cpu % wait %   sw/s     p99     max spikes
>   4711 matcher            4711  90.0    5.0   1520    48us   312us      2
    5000 feed               5000  25.0    0.0   250k     7us    66us      1
    4712 logger             4711   0.1    0.2    4.0       -   900us      0
-- 3 spikes, newest first ------------------------------------------------------
 began              took  kind        thread                  largest cause
>03:04:04.003000    98us  preempted   matcher[4711]           90 % stress[992]
 03:04:04.002000    66us  preempted   feed[5000]              90 % stress[992]
 03:04:04.001000   312us  preempted   matcher[4711]           90 % stress[992]











q quit  Enter budget  Tab list  s sort  / filter  p pause  t targets  ? help
)");
}

TEST(TopViewTest, ThePageOf120By40HasMoreColumns) {
  EXPECT_EQ(Page(FilledTop(), {120, 40}),
            R"(hftmon top  hftmond 0.1.0[77]  economy  cost 1.2 % of a core, 20 MiB                                            03:04:05
2 targets  no records lost  no drops
threads by spikes  figures of the last 1s
     tid name                pid policy    cpu % wait % irq %   sw/s  inv/s     p50     p99     max spikes
>   4711 matcher            4711 FIFO 80    90.0    5.0   1.0   1520     20   2.5us    48us   312us      2
    5000 feed               5000 OTHER -5   25.0    0.0   0.0   250k    1.0       -     7us    66us      1
    4712 logger             4711 OTHER       0.1    0.2   0.0    4.0      0       -       -   900us      0
-- 3 spikes, newest first ----------------------------------------------------------------------------------------------
 began              took  kind        thread                  largest cause
>03:04:04.003000    98us  preempted   matcher[4711]           90 % stress[992]
 03:04:04.002000    66us  preempted   feed[5000]              90 % stress[992]
 03:04:04.001000   312us  preempted   matcher[4711]           90 % stress[992]



























q quit  up/down select  Enter budget  Tab other list  s sort  o order  / filter  p pause  t targets  ? help
)");
}

TEST(TopViewTest, ThePageOfASpike) {
  TopModel model = FilledTop();
  model.Press(Special(TopKey::Kind::kEnter));
  EXPECT_EQ(Page(model, {60, 14}), R"(hftmon top  hftmond 0.1.0[77]  economy  cost 1.2 %~ 03:04:05
2 targets  no records lost  no drops
threads by spikes  figures of the last 1s
-- spike 3: where its time went ----------------------------
matcher[4711]  preempted
    ##################..   90.0 %  stress[992]: ran once on
        CPU 3
    unexplained 2400 ns





Esc back  up/down scroll  p pause  ? help  q quit
)");
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
