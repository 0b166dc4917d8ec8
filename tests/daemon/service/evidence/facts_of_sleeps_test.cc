#include "daemon/service/evidence/facts_of_sleeps.h"

#include <gmock/gmock.h>

#include <cstring>

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

TEST(SleepFactsTest, SleepsOfWhatIsNotMarkedAreNone) {
  EXPECT_THAT(FactsOf(18, SpikeKind::kBlocked, "clock_nanosleep"), IsEmpty());
}

}  // namespace
}  // namespace hftmon
