#include "daemon/service/evidence/facts_of_memory.h"

#include <gmock/gmock.h>

#include "tests/daemon/service/evidence/fact_test_support.h"
#include "tests/daemon/service/fakes.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

MemoryLookups Lookups(int64_t locked_bytes = 0) {
  MemoryLookups lookups;
  lookups.process = [locked_bytes](uint32_t) {
    return ProcessMemory{.locked_bytes = locked_bytes, .resident_bytes = 4096, .swapped_bytes = 0};
  };
  lookups.call = [](int32_t stack) { return std::string(stack == 7 ? "munmap" : "other"); };
  lookups.thp_enabled = "always";
  return lookups;
}

SnapshotPair Pair(const ThreadFaultTotal& before, const ThreadFaultTotal& after) {
  const auto snapshot = [](int64_t mono_ns, ThreadFaultTotal total) {
    EvidenceSnapshot made;
    made.mono_ns = mono_ns;
    total.thread = kWatched;
    made.threads[kWatched].faults = std::move(total);
    return std::make_shared<const EvidenceSnapshot>(std::move(made));
  };
  return {.before = snapshot(kBeginNs, before), .after = snapshot(kEndNs, after)};
}

std::vector<Fact> FactsOf(const ThreadFaultTotal& before, const ThreadFaultTotal& after, const MemoryLookups& lookups = Lookups()) {
  std::vector<Fact> facts;
  MemoryFacts().ToFacts(TestContext(), Pair(before, after), lookups, &facts);
  return facts;
}

TEST(MemoryFactsTest, MajorFaultsAreThoseOfTheWindow) {
  ThreadFaultTotal before;
  before.faults[HFT_FAULT_USER_MAJOR] = {.count = 40, .duration_ns = 9'000'000, .longest_ns = 800'000};
  ThreadFaultTotal after = before;
  after.faults[HFT_FAULT_USER_MAJOR] = {.count = 42, .duration_ns = 9'300'000, .longest_ns = 800'000};
  after.faults[HFT_FAULT_KERNEL_MAJOR] = {.count = 1, .duration_ns = 50'000, .longest_ns = 50'000};
  const std::vector<Fact> facts = FactsOf(before, after);
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 3);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kSumNs, -1), 350'000);
  // The longest since watching began is older than the window.
  EXPECT_EQ(IntegerOr(facts[0], FactField::kLongestNs, -1), 350'000 / 3);
  EXPECT_TRUE(facts[0].quality.estimated);
  EXPECT_THAT(RulesThatSpeak(facts), ElementsAre("major-faults-no-mlock"));
}

TEST(MemoryFactsTest, WhereAllIsLockedOrNothingWasAddedThereIsNoAdvice) {
  ThreadFaultTotal some;
  some.faults[HFT_FAULT_USER_MAJOR] = {.count = 40, .duration_ns = 9'000'000, .longest_ns = 800'000};
  EXPECT_THAT(RulesThatSpeak(FactsOf({}, some, Lookups(4096))), IsEmpty());
  EXPECT_THAT(FactsOf(some, some), IsEmpty());
}

TEST(MemoryFactsTest, SumsThatWentBackMakeNoFact) {
  ThreadFaultTotal some;
  some.faults[HFT_FAULT_USER_MAJOR] = {.count = 40, .duration_ns = 9'000'000, .longest_ns = 800'000};
  EXPECT_THAT(FactsOf(some, {}), IsEmpty());
}

ThreadFaultTotal SentBy(uint32_t tgid, uint64_t count) {
  ThreadFaultTotal total;
  total.senders.push_back({.tid = 1003, .tgid = tgid, .comm = "unmapper", .stack = 7, .count = count});
  return total;
}

TEST(MemoryFactsTest, FlushesAreToldBySenderAndCall) {
  const std::vector<Fact> facts = FactsOf(SentBy(kWatched.tgid, 1'000), SentBy(kWatched.tgid, 1'200));
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 200);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kActorTid, -1), 1003);
  EXPECT_EQ(std::get<std::string>(*ValueOf(facts[0], FactField::kCall)), "munmap");
  EXPECT_THAT(RulesThatSpeak(facts), ElementsAre("tlb-shootdowns"));
}

TEST(MemoryFactsTest, FiguresOfSumsBeginWithTheFirstSnapshotAndThoseOfSpikesWithTheWindow) {
  MemoryFacts producer;
  producer.Add(TestSpike(9, SpikeKind::kCompaction, 80'000, {.kind = CauseKind::kCompaction, .duration_ns = 80'000}));
  EvidenceContext context = TestContext();
  context.begin_mono_ns = 0;
  std::vector<Fact> facts;
  producer.ToFacts(context, Pair(SentBy(kWatched.tgid, 0), SentBy(kWatched.tgid, 200)), Lookups(), &facts);
  ASSERT_EQ(facts.size(), 2u);
  EXPECT_EQ(facts[0].kind, FactKind::kKernelStall);
  EXPECT_EQ(facts[0].evidence.begin_mono_ns, 0);
  EXPECT_EQ(facts[0].evidence.span_ns, 0);
  EXPECT_EQ(facts[1].kind, FactKind::kShootdowns);
  EXPECT_EQ(facts[1].evidence.begin_mono_ns, kBeginNs);
  EXPECT_EQ(facts[1].evidence.span_ns, kEndNs - kBeginNs);
}

TEST(MemoryFactsTest, FlushesOfOtherProcessesAndFewOnesAreNoAdvice) {
  EXPECT_THAT(RulesThatSpeak(FactsOf(SentBy(4, 0), SentBy(4, 200))), IsEmpty());
  EXPECT_THAT(RulesThatSpeak(FactsOf(SentBy(kWatched.tgid, 0), SentBy(kWatched.tgid, 50))), IsEmpty());
}

TEST(MemoryFactsTest, AThreadThatHasEndedIsKnownByItsSpikes) {
  MemoryFacts producer;
  producer.Add(TestSpike(9, SpikeKind::kCompaction, 80'000, {.kind = CauseKind::kCompaction, .duration_ns = 80'000}));
  std::vector<Fact> facts;
  producer.ToFacts(TestContext(), {}, Lookups(), &facts);
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kLongestNs, -1), 80'000);
  EXPECT_THAT(facts[0].evidence.spike_ids, ElementsAre(9));
  const Judgement judgement = JudgeFacts(facts);
  ASSERT_EQ(judgement.recommendations.size(), 1u);
  EXPECT_EQ(judgement.recommendations[0].rule, "thp-or-compaction-stall");
  EXPECT_EQ(judgement.recommendations[0].action.undo, "echo always > /sys/kernel/mm/transparent_hugepage/enabled");
}

class WatchedTarget : public FakeTargets {
 public:
  std::vector<TargetInfo> List() const override { return {{.pid = kWatched.tgid, .state = TargetState::kRunning}}; }
};

// A process whose heap is at 0x1000 and whose file at 0x9000.
class MappedMemoryFactsTest : public ::testing::Test {
 protected:
  MappedMemoryFactsTest() { selection_.SelectKnown(targets_, google::protobuf::RepeatedField<int32_t>()); }
  static Spike MajorFault(uint64_t id, uint64_t address, int64_t duration_ns) {
    Spike spike = TestSpike(id, SpikeKind::kFault, duration_ns, {.kind = CauseKind::kBlocked, .duration_ns = duration_ns});
    spike.stall.known = true;
    spike.stall.fault_kind = HFT_FAULT_USER_MAJOR;
    spike.stall.address = address;
    return spike;
  }

  WatchedTarget targets_;
  TargetSelection selection_;
  MappingLookup::Reader read_ = [](uint32_t) -> absl::StatusOr<ProcMaps> {
    return ProcMaps::Parse(
        "00001000-00003000 rw-p 00000000 00:00 0                          [heap]\n"
        "00009000-0000b000 r--p 00000000 08:01 77                         /data/book\n");
  };
  MappingLookup mappings_{&read_, &selection_};
};

TEST_F(MappedMemoryFactsTest, FaultsOnMemoryThatIsNoFilesAreSwapInsAndTakenOffTheOthers) {
  MemoryFacts producer(&mappings_);
  producer.Add(MajorFault(9, 0x1010, 700'000));
  producer.Add(MajorFault(8, 0x9010, 300'000));
  ThreadFaultTotal after;
  after.faults[HFT_FAULT_USER_MAJOR] = {.count = 4, .duration_ns = 1'100'000, .longest_ns = 700'000};
  MemoryLookups lookups = Lookups();
  lookups.process = [](uint32_t) { return ProcessMemory{.locked_bytes = 0, .resident_bytes = 4096, .swapped_bytes = 8192}; };
  std::vector<Fact> facts;
  producer.ToFacts(TestContext(), Pair({}, after), lookups, &facts);
  ASSERT_EQ(facts.size(), 2u);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kAnonymous, -1), 1);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 1);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kSumNs, -1), 700'000);
  EXPECT_THAT(facts[0].evidence.spike_ids, ElementsAre(9));
  EXPECT_EQ(IntegerOr(facts[1], FactField::kCount, -1), 3);
  EXPECT_EQ(IntegerOr(facts[1], FactField::kSumNs, -1), 400'000);
  EXPECT_EQ(IntegerOr(facts[1], FactField::kLongestNs, -1), 300'000) << "the longest of all was the other's";
  EXPECT_THAT(facts[1].evidence.spike_ids, ElementsAre(8));
  EXPECT_THAT(RulesThatSpeak(facts), ::testing::UnorderedElementsAre("swap-in", "major-faults-no-mlock"));
}

TEST_F(MappedMemoryFactsTest, WithoutAnythingInSwapSuchFaultsAreMajorOnesLikeOthers) {
  MemoryFacts producer(&mappings_);
  producer.Add(MajorFault(9, 0x1010, 700'000));
  std::vector<Fact> facts;
  producer.ToFacts(TestContext(), {}, Lookups(), &facts);
  EXPECT_THAT(RulesThatSpeak(facts), ElementsAre("major-faults-no-mlock"));
}

TEST(MemoryFactsTest, CollapsesAreCountedWithoutATime) {
  ThreadFaultTotal before;
  before.collapse_count = 5;
  ThreadFaultTotal after;
  after.collapse_count = 25;
  const std::vector<Fact> facts = FactsOf(before, after);
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(IntegerOr(facts[0], FactField::kCount, -1), 20);
  EXPECT_FALSE(ValueOf(facts[0], FactField::kSumNs).has_value());
  EXPECT_THAT(RulesThatSpeak(facts), ElementsAre("huge-page-collapse"));
  EXPECT_THAT(FactsOf(after, before), IsEmpty());
  EXPECT_THAT(FactsOf(after, after), IsEmpty());
}

TEST(MemoryFactsTest, AShortStallIsNoAdvice) {
  MemoryFacts producer;
  producer.Add(TestSpike(9, SpikeKind::kReclaim, 49'999, {.kind = CauseKind::kReclaim, .duration_ns = 49'999}));
  std::vector<Fact> facts;
  producer.ToFacts(TestContext(), {}, Lookups(), &facts);
  EXPECT_EQ(facts.size(), 1u);
  EXPECT_THAT(RulesThatSpeak(facts), IsEmpty());
}

TEST(CallOfStackTest, TheSystemCallNamesIt) {
  EXPECT_EQ(CallOfStack({"native_flush_tlb_multi", "zap_page_range", "do_madvise", "__x64_sys_madvise"}), "madvise");
  EXPECT_EQ(CallOfStack({"__arm64_sys_munmap"}), "munmap");
  EXPECT_EQ(CallOfStack({"migrate_pages"}), "other");
  EXPECT_EQ(CallOfStack({}), "other");
}

TEST(ProcessMemoryTest, LinesOfStatusAreReadInBytesAndMissingOnesAreAbsent) {
  const ProcessMemory memory = ParseProcessMemory("Name:\tx\nVmLck:\t      12 kB\nVmRSS:\t    4096 kB\n");
  EXPECT_EQ(memory.locked_bytes, 12 * 1024);
  EXPECT_EQ(memory.resident_bytes, 4096 * 1024);
  EXPECT_FALSE(memory.swapped_bytes.has_value());
  EXPECT_FALSE(ParseProcessMemory("VmLck:\tmuch\nVmRSS:").resident_bytes.has_value());
}

}  // namespace
}  // namespace hftmon
