#include "daemon/service/evidence/facts_of_locks.h"

#include <gmock/gmock.h>

#include "tests/daemon/service/evidence/fact_test_support.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint64_t kLockWord = 0x7f0000001000;
constexpr uint8_t kFutexWait = 0;

Spike Wait(uint64_t id, int64_t duration_ns, hft_owner_state state, uint32_t owner = 1002) {
  Spike spike = TestSpike(id, SpikeKind::kBlocked, duration_ns, {.kind = CauseKind::kBlocked, .duration_ns = duration_ns});
  spike.call.state = HFT_CALL_KNOWN;
  spike.call.futex_command = kFutexWait;
  spike.call.arguments[0] = kLockWord;
  spike.call.owner_tid = owner;
  spike.call.owner_source = HFT_OWNER_GLIBC;
  spike.call.owner_state = state;
  return spike;
}

std::vector<Fact> FactsOf(int count, hft_owner_state state, uint32_t owner = 1002) {
  LockFacts producer;
  for (int i = 1; i <= count; ++i) producer.Add(Wait(static_cast<uint64_t>(i), 400'000, state, owner));
  std::vector<Fact> facts;
  producer.ToFacts(TestContext(), &facts);
  return facts;
}

TEST(LockFactsTest, WaitsWhoseOwnerRunsAreAConvoy) {
  const std::vector<Fact> facts = FactsOf(12, HFT_OWNER_RUNNING);
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 12);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kSumNs, -1), 12 * 400'000);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kOwnerTid, -1), 1002);
  EXPECT_EQ(NumberOf(facts[0], FactField::kOwnerRunningShare), 1.0);
  EXPECT_THAT(RulesThatSpeak(facts), ElementsAre("futex-convoy"));
}

TEST(LockFactsTest, WithoutAnOwnerItMayBeAnIdleWait) {
  const std::vector<Fact> facts = FactsOf(12, HFT_OWNER_STATE_UNKNOWN, 0);
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_FALSE(ValueOf(facts[0], FactField::kOwnerTid).has_value());
  EXPECT_THAT(RulesThatSpeak(facts), IsEmpty());
}

TEST(LockFactsTest, AnOwnerThatDoesNotRunIsNoConvoy) {
  EXPECT_THAT(RulesThatSpeak(FactsOf(12, HFT_OWNER_BLOCKED)), IsEmpty());
}

// The owner's own waits for its CPU cover a share of each wait.
std::vector<Fact> InversionFacts(int count, int64_t owner_off_ns) {
  std::vector<OffCpuTime> times;
  for (int i = 1; i <= count; ++i) {
    OffCpuTime wait = OffCpuTimeOf(Wait(static_cast<uint64_t>(i), 2'000'000, HFT_OWNER_RUNNING), kEndNs);
    wait.asked = true;
    wait.priority = 49;
    wait.call.owner_priority = 120;
    Spike off = TestSpike(static_cast<uint64_t>(i + 100), SpikeKind::kPreempted, owner_off_ns,
                          {.kind = CauseKind::kThread, .tid = 55, .tgid = 50, .duration_ns = owner_off_ns});
    off.thread = {.tid = 1002, .tgid = kWatched.tgid, .start_ns = 6};
    off.start_mono_ns = wait.start_mono_ns + 100'000;
    times.push_back(wait);
    times.push_back(OffCpuTimeOf(off, kEndNs));
  }
  std::vector<Fact> facts;
  AddInversionFacts(TestContext(), times, &facts);
  return facts;
}

TEST(InversionFactsTest, AnOwnerThatIsKeptOffItsCpuIsToldWithWhoKeepsIt) {
  const std::vector<Fact> facts = InversionFacts(2, 1'500'000);
  ASSERT_EQ(facts.size(), 2u);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kActorTid, -1), 55);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kInherited, -1), 0);
  EXPECT_NEAR(NumberOf(facts[0], FactField::kOwnerOffShare).value_or(0), 0.75, 0.001);
  EXPECT_THAT(RulesThatSpeak(facts), ElementsAre("inversion-without-pi"));
}

TEST(InversionFactsTest, AnOwnerThatHoldsItLongIsNoReasonToInherit) {
  EXPECT_THAT(RulesThatSpeak(InversionFacts(5, 400'000)), IsEmpty());
}

}  // namespace
}  // namespace hftmon
