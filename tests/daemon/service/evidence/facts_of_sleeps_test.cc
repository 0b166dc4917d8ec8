#include "daemon/service/evidence/facts_of_sleeps.h"

#include <gmock/gmock.h>

#include <cstring>
#include <utility>

#include "daemon/os/syscall_names.h"
#include "tests/daemon/service/evidence/fact_test_support.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<Fact> FactsOf(int count, SpikeKind kind, const char* call) {
  SleepFacts producer;
  for (int i = 1; i <= count; ++i) {
    Spike spike = TestSpike(static_cast<uint64_t>(i), kind, 200'000,
                            {.kind = CauseKind::kBlocked, .syscall = SyscallNumber(call), .duration_ns = 150'000});
    spike.mark.known = true;
    spike.mark.name_bytes = 5;
    std::memcpy(spike.mark.name, "order", 5);
    producer.Add(spike);
  }
  std::vector<Fact> facts;
  producer.ToFacts(TestContext(), &facts);
  return facts;
}

TEST(SleepFactsTest, SleepsInOperationsAreToldByCall) {
  const std::vector<Fact> facts = FactsOf(18, SpikeKind::kOperation, "clock_nanosleep");
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 18);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kSumNs, -1), 18 * 150'000);
  EXPECT_EQ(std::get<std::string>(*ValueOf(facts[0], FactField::kSyscall)), "clock_nanosleep");
  EXPECT_EQ(std::get<std::string>(*ValueOf(facts[0], FactField::kOperation)), "order");
  EXPECT_THAT(RulesThatSpeak(facts), ElementsAre("sleep-in-hot-path"));
}

TEST(SleepFactsTest, TwoAreTooFewAndAReadIsNoSleep) {
  EXPECT_THAT(RulesThatSpeak(FactsOf(2, SpikeKind::kOperation, "clock_nanosleep")), IsEmpty());
  EXPECT_THAT(RulesThatSpeak(FactsOf(18, SpikeKind::kOperation, "read")), IsEmpty());
}

// Sleeps in futex within operations; `owner` 0: nobody held it, -1: no blocked spike tells.
std::vector<Fact> FutexFacts(int64_t owner) {
  SleepFacts producer;
  for (uint64_t id = 1; id <= 4; ++id) {
    Spike spike = TestSpike(id, SpikeKind::kOperation, 200'000,
                            {.kind = CauseKind::kBlocked, .syscall = SyscallNumber("futex"), .duration_ns = 150'000});
    producer.Add(spike);
    if (owner < 0) continue;
    Spike wait = TestSpike(id + 10, SpikeKind::kBlocked, 150'000, {.kind = CauseKind::kBlocked, .duration_ns = 150'000});
    wait.start_mono_ns = spike.start_mono_ns + 20'000;
    wait.call.state = HFT_CALL_KNOWN;
    wait.call.futex_command = 0;
    wait.call.owner_tid = static_cast<uint32_t>(owner);
    producer.Add(wait);
  }
  std::vector<Fact> facts;
  producer.ToFacts(TestContext(), &facts);
  return facts;
}

TEST(SleepFactsTest, AWaitForALockWithAnOwnerIsNoHandOver) {
  EXPECT_THAT(RulesThatSpeak(FutexFacts(1002)), IsEmpty());
  EXPECT_THAT(RulesThatSpeak(FutexFacts(0)), ElementsAre("condition-wait-in-hot-path"));
  EXPECT_THAT(FutexFacts(-1), IsEmpty()) << "it may be either";
}

// An order within an order within the beat of a loop: three spikes, one sleep.
TEST(SleepFactsTest, OneSleepIsToldOnce) {
  SleepFacts producer;
  uint64_t id = 0;
  for (int i = 1; i <= 4; ++i) {
    for (const auto& [kind, margin_ns] :
         {std::pair(SpikeKind::kGap, 60'000), {SpikeKind::kOperation, 10'000}, {SpikeKind::kOperation, 0}}) {
      Spike spike = TestSpike(++id, kind, 200'000 + 2 * margin_ns,
                              {.kind = CauseKind::kBlocked, .syscall = SyscallNumber("nanosleep"), .duration_ns = 150'000});
      spike.start_mono_ns = kBeginNs + i * 10'000'000 - margin_ns;
      producer.Add(spike);
    }
  }
  std::vector<Fact> facts;
  producer.ToFacts(TestContext(), &facts);
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 4);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kSumNs, -1), 600'000);
  EXPECT_EQ(std::get<std::string>(*ValueOf(facts[0], FactField::kSpikeKind)), "operation");
  EXPECT_EQ(facts[0].evidence.spike_ids.size(), 4u);
}

TEST(SleepFactsTest, SleepsOfWhatIsNotMarkedAreNone) {
  EXPECT_THAT(FactsOf(18, SpikeKind::kBlocked, "clock_nanosleep"), IsEmpty());
}

}  // namespace
}  // namespace hftmon
