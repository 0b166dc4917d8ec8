// Placement from end to end, but the kernel: a host of two nodes made of files, pages that lie where the test put them, the real look, the
// store, the rules.
#include <gmock/gmock.h>

#include "daemon/advice/advice_rules.h"
#include "daemon/advice/recommend.h"
#include "daemon/host_numa_look.h"
#include "daemon/service/evidence/service_evidence.h"
#include "tests/daemon/numa/fake_page_locations.h"
#include "tests/daemon/os/fixture_tree.h"
#include "tests/daemon/service/service_fixture.h"
#include "tests/fakes/fake_monotonic_clock.h"

namespace hftmon {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr uint64_t kStart = 0x500000;
constexpr uint64_t kEnd = kStart + 4'096 * 4'096;

class NumaEvidenceTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    WriteNode(0, "0-1", "10 21");
    WriteNode(1, "2-3", "21 10");
    tree_.Write("/sys/devices/system/node/online", "0-1\n");
    tree_.Write("/sys/devices/system/cpu/online", "0-3\n");
    tree_.Write("/proc/1000/maps", "500000-1500000 rw-p 00000000 00:00 0 [heap]\n");
    tree_.Write("/proc/1000/statm", "200000 200000 0 0 0 0 0\n");  // more than is read whole
    locations_.Put(kStart, kEnd, 0);
    // It spins on CPU 3, of node 1.
    targets_.attached_mono_ns = 5 * kSecondNs;
    targets_.Add(kPid);
    totals_.totals = {{.thread = kThread, .alive = true}};
    totals_.totals[0].seen = false;
    scheduling_.seen[kThread.tid] = {.scheduling = {.cpus_allowed = "3"}, .cpu = 3, .read_mono_ns = kNowNs - 3 * kSecondNs};
    CloseBucket(kNowNs - 5 * kSecondNs, kNowNs);
  }
  void WriteNode(int node, std::string_view cpus, std::string_view distance) {
    const std::string folder = "/sys/devices/system/node/node" + std::to_string(node);
    tree_.Write(folder + "/cpulist", std::string(cpus) + "\n");
    tree_.Write(folder + "/distance", std::string(distance) + "\n");
    tree_.Write(folder + "/meminfo", "Node 0 MemTotal: 1048576 kB\nNode 0 MemFree: 524288 kB\n");
  }
  absl::StatusOr<EvidenceAnswer> Ask(bool look) {
    HostNumaLooks looks({.files = tree_.root(),
                         .locations = &locations_,
                         .clock = &clock_,
                         .topology = [] { return absl::StatusOr<CpuTopology>(absl::UnavailableError("none")); },
                         .admit = [] { return absl::OkStatus(); },
                         .look_at = [](uint32_t, int64_t) { return SampledProcess::kRuns; },
                         .cache_lines_unavailable = [] { return std::string(); }});
    ServiceCore core = Core();
    core.numa_looks = &looks;
    ServiceEvidence evidence({.core = core, .files = tree_.root(), .own_pid = 7});
    return evidence.Facts({.look_at_memory = look});
  }
  static Judgement Judged(const EvidenceAnswer& answer) { return Judge(AdviceRules(), answer.facts, answer.window, {}); }
  static std::vector<std::string> CommandsOf(const Judgement& judged) {
    std::vector<std::string> commands;
    for (const Recommendation& one : judged.recommendations) commands.push_back(one.action.command);
    return commands;
  }
  static std::string WhyNotJudged(const Judgement& judged, std::string_view rule) {
    for (const NotJudged& one : judged.not_judged) {
      if (one.rule == rule) return one.reason + " | " + one.mend;
    }
    return "";
  }

  FixtureTree tree_;
  FakePageLocations locations_{kPid};
  FakeMonotonicClock clock_;
};

TEST_F(NumaEvidenceTest, PagesOnTheFarNodeAreFoundAndMovedAndThenTheRuleIsSilent) {
  const auto before = Ask(true);
  ASSERT_TRUE(before.ok()) << before.status();
  const Judgement judged = Judged(*before);
  EXPECT_EQ(judged.facts_refused, 0u) << judged.first_refusal;
  EXPECT_THAT(CommandsOf(judged), Contains("migratepages 1000 0 1"));
  ASSERT_TRUE(before->cost.has_value());
  EXPECT_EQ(before->cost->page_count, 4'096u);
  EXPECT_GE(before->cost->look_count, 256u) << "16 pages a call, and the maps";
  EXPECT_EQ(WhyNotJudged(judged, "memory-on-wrong-node"), "");
  locations_.Put(kStart, kEnd, 1);
  const auto after = Ask(true);
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_THAT(CommandsOf(Judged(*after)), Not(Contains(HasSubstr("migratepages"))));
  EXPECT_EQ(WhyNotJudged(Judged(*after), "memory-on-wrong-node"), "") << "it was judged, and is healthy";
}

TEST_F(NumaEvidenceTest, WithoutALookTheRuleIsNotJudgedAndTheMendIsNamed) {
  const auto answer = Ask(false);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_FALSE(answer->cost.has_value());
  EXPECT_THAT(locations_.sizes, IsEmpty());
  EXPECT_THAT(CommandsOf(Judged(*answer)), Not(Contains(HasSubstr("migratepages"))));
  EXPECT_THAT(WhyNotJudged(Judged(*answer), "memory-on-wrong-node"), HasSubstr("| hftmon recommend --look-at-memory"));
}

TEST_F(NumaEvidenceTest, OfOneNodeTheRuleIsSilentWithAndWithoutALook) {
  tree_.Write("/sys/devices/system/node/online", "0\n");
  WriteNode(0, "0-3", "10");
  for (const bool look : {false, true}) {
    const auto answer = Ask(look);
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->cost.has_value(), look);
    EXPECT_THAT(CommandsOf(Judged(*answer)), Not(Contains(HasSubstr("migratepages"))));
    EXPECT_EQ(WhyNotJudged(Judged(*answer), "memory-on-wrong-node"), "");
  }
}

TEST_F(NumaEvidenceTest, WhoseThreadsMovedNobodyKnowsWhereIsNotJudgedUnlessTheirCpusAreOfOneNode) {
  ThreadDelta delta{.thread = kThread, .slot = 1, .begin_mono_ns = kNowNs, .end_mono_ns = kNowNs + kSecondNs};
  delta.migration_count = 9;
  windows_.OnThreadDelta(delta);
  windows_.OnBucketClosed(kNowNs, kNowNs + kSecondNs, kNowNs + kSecondNs);
  scheduling_.seen[kThread.tid].scheduling.cpus_allowed = "0-3";
  status_.SetNow(kNowNs + kSecondNs);
  auto answer = Ask(true);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(WhyNotJudged(Judged(*answer), "memory-on-wrong-node"), HasSubstr("of 9 moves 0 are kept"));
  EXPECT_THAT(CommandsOf(Judged(*answer)), Not(Contains(HasSubstr("migratepages"))));
  scheduling_.seen[kThread.tid].scheduling.cpus_allowed = "2-3";
  answer = Ask(true);
  EXPECT_THAT(CommandsOf(Judged(*answer)), Contains("migratepages 1000 0 1"));
  // It was bound there only since a moment of the window.
  SchedulingChange change{.thread = kThread, .after_mono_ns = kNowNs - 2, .before_mono_ns = kNowNs - 1};
  change.from.cpus_allowed = "0-3";
  change.to.cpus_allowed = "2-3";
  scheduling_.changes = {change};
  answer = Ask(true);
  EXPECT_THAT(WhyNotJudged(Judged(*answer), "memory-on-wrong-node"), HasSubstr("of 9 moves 0 are kept"));
}

TEST_F(NumaEvidenceTest, ALookThatIsGivenUpOrRefusedIsTheAnswer) {
  FakeNumaLooks looks;
  ServiceCore core = Core();
  core.numa_looks = &looks;
  ServiceEvidence evidence({.core = core, .files = tree_.root(), .own_pid = 7});
  looks.over.store(false, std::memory_order_seq_cst);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_TRUE(absl::IsCancelled(evidence.Facts({.look_at_memory = true, .stop = stop.get_token()}).status()));
  EXPECT_EQ(looks.cancelled_count(), 1);
  looks.refusal = absl::ResourceExhaustedError("another look goes on");
  EXPECT_TRUE(absl::IsResourceExhausted(evidence.Facts({.look_at_memory = true}).status()));
}

}  // namespace
}  // namespace hftmon
