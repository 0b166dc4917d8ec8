#include "daemon/hardware_evidence_book.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/fakes/fake_monotonic_clock.h"

namespace hftmon {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kStartNs = 100 * kMs;

class HardwareEvidenceBookTest : public ::testing::Test {
 protected:
  HardwareEvidenceBook::Parts Parts() {
    HardwareEvidenceBook::Parts parts;
    parts.view.hardware = hardware_;
    parts.view.cpus = cpus_;
    parts.spikes = &spikes_;
    parts.clock = &clock_;
    parts.collecting = [this] { return collecting_; };
    parts.siblings_of = [this](int cpu) {
      ++asked_;
      return cpu == 0 ? std::vector<int>{1} : std::vector<int>();
    };
    parts.clocks = [this](int64_t) { return clocks_; };
    parts.one_clock = one_clock_;
    return parts;
  }
  void TakeReading(int64_t mono_ns, uint64_t smi_count) {
    hft_hardware_reading& reading = hardware_[0].readings[hardware_[0].position++ % HFT_HARDWARE_READINGS];
    reading = {.sequence = static_cast<uint32_t>(hardware_[0].position),
               .known = 1u << HFT_COUNTER_SMI,
               .mono_ns = static_cast<uint64_t>(mono_ns)};
    reading.begin_ns = reading.mono_ns;
    reading.values[HFT_COUNTER_SMI] = smi_count;
  }
  // On CPU 0, of one millisecond.
  Spike AppendSpike(int64_t start_ns = kStartNs, bool in_progress = false) {
    Spike spike;
    spike.id = ++last_id_;
    spike.cpu = 0;
    spike.in_progress = in_progress;
    spike.start_mono_ns = start_ns;
    spike.duration_ns = kMs;
    spikes_.Append(&spike);
    clock_.SetNs(start_ns + kMs);
    return spike;
  }

  bool collecting_ = true;
  bool one_clock_ = false;
  int asked_ = 0;
  uint64_t last_id_ = 0;
  FakeMonotonicClock clock_{kStartNs};
  SpikeHistory spikes_{8'192};
  std::vector<hft_cpu_hardware> hardware_{2};
  std::vector<hft_cpu> cpus_{2};
  std::vector<RunQueueClock> clocks_;
};

TEST_F(HardwareEvidenceBookTest, ASpikeIsBoundedByTheNextReadingAndStaysSoWhenReadingsAreOverwritten) {
  HardwareEvidenceBook book(Parts());
  TakeReading(kStartNs - kMs, 3);
  const Spike spike = AppendSpike();
  book.Look();
  EXPECT_FALSE(book.Of(spike).has_value()) << "no reading came after it yet";
  TakeReading(kStartNs + 2 * kMs, 5);
  clock_.AdvanceNs(10 * kMs);
  book.Look();
  for (int i = 0; i < 2 * HFT_HARDWARE_READINGS; ++i) TakeReading(kStartNs + (10 + i) * kMs, 9);
  const auto evidence = book.Of(spike);
  ASSERT_TRUE(evidence.has_value());
  EXPECT_EQ(evidence->smi_count_max, 2u);
  EXPECT_EQ(evidence->reading_span_ns, 3 * kMs);
  collecting_ = false;
  EXPECT_TRUE(book.Of(spike).has_value()) << "what was noted stays known";
}

TEST_F(HardwareEvidenceBookTest, WhoAsksBeforeTheNextLookIsAnsweredFromWhatThereIs) {
  HardwareEvidenceBook book(Parts());
  TakeReading(kStartNs - kMs, 3);
  const Spike spike = AppendSpike();
  TakeReading(kStartNs + 2 * kMs, 4);
  ASSERT_TRUE(book.Of(spike).has_value());
  EXPECT_EQ(book.Of(spike)->smi_count_max, 1u);
  const Spike going_on = AppendSpike(kStartNs, true);
  EXPECT_FALSE(book.Of(going_on).has_value());
}

TEST_F(HardwareEvidenceBookTest, WhileNobodyAsksNothingIsNoted) {
  collecting_ = false;
  HardwareEvidenceBook book(Parts());
  TakeReading(kStartNs - kMs, 3);
  const Spike spike = AppendSpike();
  TakeReading(kStartNs + 2 * kMs, 4);
  book.Look();
  EXPECT_FALSE(book.Of(spike).has_value());
  EXPECT_EQ(asked_, 0);
}

TEST_F(HardwareEvidenceBookTest, ASpikeOfBeforeAnybodyAskedHasNoSiblingsThoughTheirLogsReachBack) {
  clocks_ = {{.cpu = 1, .offset_ns = 0, .error_ns = 700}};
  cpus_[1].log[0] = {.clock_ns = 0, .tid = 42, .tgid = 40};
  cpus_[1].position = 1;
  collecting_ = false;
  HardwareEvidenceBook book(Parts());
  book.Look();
  const Spike before = AppendSpike();
  collecting_ = true;
  EXPECT_FALSE(book.Of(before).has_value());
  book.Look();
  EXPECT_FALSE(book.Of(before).has_value());
  const Spike after = AppendSpike(kStartNs + 2 * kMs);
  EXPECT_TRUE(book.Of(after).has_value());
  collecting_ = false;
  book.Look();
  collecting_ = true;
  EXPECT_FALSE(book.Of(after).has_value()) << "no one has looked since";
}

TEST_F(HardwareEvidenceBookTest, AReadingThatComesLateIsFoundAndKeptAndSiblingsAreNotLookedForAnew) {
  HardwareEvidenceBook book(Parts());
  book.Look();
  TakeReading(kStartNs - kMs, 3);
  const Spike spike = AppendSpike();
  book.Look();
  EXPECT_EQ(asked_, 1);
  clock_.AdvanceNs(2 * HardwareEvidenceBook::kPatienceNs);
  book.Look();
  EXPECT_FALSE(book.Of(spike).has_value());
  TakeReading(kStartNs + 3'000 * kMs, 4);
  ASSERT_TRUE(book.Of(spike).has_value());
  EXPECT_EQ(book.Of(spike)->smi_count_max, 1u);
  for (int i = 1; i < 2 * HFT_HARDWARE_READINGS; ++i) TakeReading(kStartNs + (3'000 + i) * kMs, 9);
  ASSERT_TRUE(book.Of(spike).has_value());
  EXPECT_EQ(book.Of(spike)->smi_count_max, 1u);
  EXPECT_EQ(asked_, 1);
}

TEST_F(HardwareEvidenceBookTest, LogsAreNotReadForAnOldSpikeThatWasNotNoted) {
  HardwareEvidenceBook book(Parts());
  book.Look();
  const Spike spike = AppendSpike();
  clock_.AdvanceNs(HardwareEvidenceBook::kPatienceNs + kMs);
  EXPECT_FALSE(book.Of(spike).has_value());
  EXPECT_EQ(asked_, 0);
}

TEST_F(HardwareEvidenceBookTest, ABusySiblingIsTheOneInItsOwnClock) {
  clocks_ = {{.cpu = 1, .offset_ns = 10 * kMs, .error_ns = 700}};
  cpus_[1].log[0] = {.clock_ns = 0, .tid = 0};
  cpus_[1].log[1] = {.clock_ns = static_cast<__u64>(kStartNs - 10 * kMs + kMs / 4), .tid = 42, .tgid = 40};
  cpus_[1].position = 2;
  HardwareEvidenceBook book(Parts());
  book.Look();
  const Spike spike = AppendSpike();
  book.Look();
  cpus_[1].position = 100;  // its log is overwritten
  const auto evidence = book.Of(spike);
  ASSERT_TRUE(evidence.has_value());
  ASSERT_EQ(evidence->siblings.size(), 1u);
  EXPECT_EQ(evidence->siblings[0].cpu, 1);
  EXPECT_EQ(evidence->siblings[0].busy_ns, kMs * 3 / 4);
  EXPECT_EQ(evidence->siblings[0].tid, 42u);
  EXPECT_EQ(evidence->siblings[0].error_ns, 700);
  EXPECT_FALSE(evidence->smi_count_max.has_value());
}

TEST_F(HardwareEvidenceBookTest, WithoutTheSiblingsClockTheSpikesIsTakenOnlyWhereTheyAreOne) {
  clocks_ = {{.cpu = 0, .offset_ns = 0, .error_ns = 700}};
  cpus_[1].log[0] = {.clock_ns = 0, .tid = 42, .tgid = 40};
  cpus_[1].position = 1;
  HardwareEvidenceBook apart(Parts());
  apart.Look();
  const Spike spike = AppendSpike(kStartNs + kMs);
  EXPECT_FALSE(apart.Of(spike).has_value());
  one_clock_ = true;
  clock_.SetNs(kStartNs);
  HardwareEvidenceBook together(Parts());
  together.Look();
  clock_.SetNs(kStartNs + 2 * kMs);
  ASSERT_TRUE(together.Of(spike).has_value());
  EXPECT_EQ(together.Of(spike)->siblings[0].busy_ns, kMs);
}

TEST_F(HardwareEvidenceBookTest, TheNewestAreKeptAndSiblingsAreAskedForOnceASecond) {
  HardwareEvidenceBook book(Parts());
  book.Look();
  TakeReading(kStartNs - kMs, 3);
  TakeReading(kStartNs + 2 * kMs, 4);
  const Spike first = AppendSpike();
  for (size_t i = 1; i < HardwareEvidenceBook::kSpikesMax; ++i) {
    AppendSpike();
    if (i % HardwareEvidenceBook::kSpikesPerLookMax == 1) book.Look();
  }
  book.Look();
  EXPECT_EQ(asked_, 1);
  collecting_ = false;
  EXPECT_TRUE(book.Of(first).has_value());
  collecting_ = true;
  AppendSpike();
  book.Look();
  collecting_ = false;
  EXPECT_FALSE(book.Of(first).has_value());
}

TEST_F(HardwareEvidenceBookTest, SpikesBeyondOneLookAreLeftToWhoAsksInTime) {
  HardwareEvidenceBook book(Parts());
  TakeReading(kStartNs - kMs, 3);
  TakeReading(kStartNs + 2 * kMs, 4);
  const Spike first = AppendSpike();
  for (uint64_t i = 0; i < HardwareEvidenceBook::kSpikesPerLookMax; ++i) AppendSpike();
  book.Look();
  EXPECT_TRUE(book.Of(first).has_value());
  collecting_ = false;
  EXPECT_FALSE(book.Of(first).has_value()) << "it was not noted";
}

}  // namespace
}  // namespace hftmon
