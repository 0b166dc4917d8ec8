#include "daemon/service/evidence/facts_of_lines.h"

#include <gmock/gmock.h>

#include "tests/daemon/service/evidence/fact_test_support.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

ContendedLine Line(uint64_t address, uint64_t hitm, const SharingSplit& sharing, const std::string& advice = "") {
  ContendedLine line;
  line.address = address;
  line.counts.hitm_local = hitm;
  line.sharing = sharing;
  if (!advice.empty()) line.advice.push_back({.text = advice});
  return line;
}

AccessSamples Samples(std::vector<ContendedLine> lines, int64_t end_ns = kEndNs) {
  AccessSamples samples;
  samples.begin_mono_ns = end_ns - 500'000'000;
  samples.end_mono_ns = end_ns;
  samples.table.lines = std::move(lines);
  return samples;
}

std::vector<Fact> FactsOf(const AccessSamples& samples) {
  SampledLines kept;
  kept.Note(kWatched.tgid, 1, samples);
  std::vector<Fact> facts;
  AddLineFacts(TestContext(), kept.Within(kBeginNs, kEndNs), &facts);
  return facts;
}

TEST(LineFactsTest, ALineOfWhichThreadsUseDifferentPartsIsAdvisedOnWithItsLayout) {
  const SharingSplit sharing{.verdict = SharingVerdict::kBoth, .false_contended = 12, .true_contended = 3};
  const std::vector<Fact> facts = FactsOf(Samples({Line(0x5600'0040, 15, sharing, "pad offset 8 to a line of its own")}));
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 12);
  EXPECT_EQ(facts[0].quality.samples, 12u);
  const Judgement judgement = JudgeFacts(facts);
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  EXPECT_EQ(judgement.recommendations[0].rule, "false-sharing");
  EXPECT_EQ(judgement.recommendations[0].action.code_hint, "\"pad offset 8 to a line of its own\"");
}

TEST(LineFactsTest, SharedDataAndFewSamplesAreNoAdvice) {
  const SharingSplit shared{.verdict = SharingVerdict::kTrue, .true_contended = 50};
  EXPECT_THAT(RulesThatSpeak(FactsOf(Samples({Line(0x40, 50, shared)}))), IsEmpty());
  const SharingSplit few{.verdict = SharingVerdict::kFalse, .false_contended = 9};
  EXPECT_THAT(RulesThatSpeak(FactsOf(Samples({Line(0x40, 9, few)}))), IsEmpty());
}

TEST(SampledLinesTest, TheLastSamplingOfAProcessIsKeptAndThoseOutsideTheWindowAreNotTold) {
  SampledLines kept;
  kept.Note(4, 1, Samples({Line(0x40, 5, {})}, kBeginNs + 600'000'000));
  kept.Note(4, 1, Samples({Line(0x80, 5, {}), Line(0, 5, {})}));
  const std::vector<LineSampling> within = kept.Within(kBeginNs, kEndNs);
  ASSERT_EQ(within.size(), 1u);
  ASSERT_EQ(within[0].lines.size(), 1u) << "a line of no known address cannot be told";
  EXPECT_EQ(within[0].lines[0].address, 0x80u);
  EXPECT_THAT(kept.Within(kEndNs - 100, kEndNs), IsEmpty()) << "it began before the mend";
  EXPECT_THAT(kept.Within(kBeginNs, kEndNs - 1), IsEmpty());
}

TEST(SampledLinesTest, BeyondTheBoundsTheOldestSamplingAndTheCheapestLinesGo) {
  SampledLines kept;
  std::vector<ContendedLine> lines(SampledLines::kLinesMax + 1, Line(0x40, 5, {}));
  for (uint32_t pid = 1; pid <= SampledLines::kProcessesMax + 1; ++pid) kept.Note(pid, 1, Samples(lines, kEndNs - 1'000 + pid));
  const std::vector<LineSampling> within = kept.Within(kBeginNs, kEndNs);
  ASSERT_EQ(within.size(), SampledLines::kProcessesMax);
  EXPECT_EQ(within[0].pid, 2u);
  EXPECT_EQ(within[0].lines.size(), SampledLines::kLinesMax);
}

TEST(SampledLinesTest, TheLinesUsedMostAreKeptForTheProcessThatTheyAreOfAndTheKernelsAreCounted) {
  SampledLines kept;
  AccessSamples samples = Samples({});
  samples.table.line_bytes = 64;
  samples.table.busy_lines = {{.address = 0xffff888000000040, .accesses = 9}, {.address = 0x80, .accesses = 7}};
  samples.table.busy_line_count = 300;
  kept.Note(4, 1, samples);
  EXPECT_FALSE(kept.HeatOf(4, 2).has_value()) << "another process that got the number";
  EXPECT_FALSE(kept.HeatOf(5, 1).has_value());
  const std::optional<LineHeat> heat = kept.HeatOf(4, 1);
  ASSERT_TRUE(heat.has_value());
  ASSERT_EQ(heat->lines.size(), 1u);
  EXPECT_EQ(heat->lines[0].address, 0x80u);
  EXPECT_EQ(heat->left_out_count, 299u);
  EXPECT_EQ(heat->end_mono_ns, kEndNs);
  EXPECT_EQ(heat->line_bytes, 64u);
}

}  // namespace
}  // namespace hftmon
