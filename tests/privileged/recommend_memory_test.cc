// Advice about memory, proved: a rule is silent for a watched thread that nothing holds up, speaks of the thread that is held up, with
// figures within what that thread saw itself, and is silent in the window that begins with the mend. Where the advice is a command it is
// run as given, and its undo; where it is a hint about code the workload is made that way.
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "tests/privileged/advice_test.h"
#include "tests/privileged/harness/disturbance_witness.h"
#include "tests/privileged/harness/memory_cgroup.h"
#include "tests/privileged/memory_answer.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;

constexpr int64_t kThresholdNs = 20'000;
constexpr char kDefrag[] = "/sys/kernel/mm/transparent_hugepage/defrag";

std::string BracketedWord(const char* path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  const size_t begin = text.str().find('[');
  const size_t end = text.str().find(']');
  return begin == std::string::npos || end == std::string::npos ? "" : text.str().substr(begin + 1, end - begin - 1);
}

// As it was, however the test ends.
class KeptSetting {
 public:
  explicit KeptSetting(const char* path) : path_(path), word_(BracketedWord(path)) {}
  ~KeptSetting() {
    if (!word_.empty() && BracketedWord(path_) != word_) std::ofstream(path_) << word_;
  }
  const std::string& word() const { return word_; }

 private:
  const char* const path_;
  const std::string word_;
};

int64_t SumOf(const json& spans) {
  int64_t sum_ns = 0;
  for (const json& span : spans) sum_ns += span[1].get<int64_t>() - span[0].get<int64_t>();
  return sum_ns;
}

class RecommendMemoryTest : public AdviceTest {
 protected:
  struct Watched {
    std::unique_ptr<WorkloadRun> run;
    pid_t pid = -1;
    pid_t tid = -1;
    std::string refused;  // why it cannot be had here; empty: it runs, and is watched
  };

  Watched Watch(const std::string& workload, std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--cpu", CpuArgument()});
    Watched watched{.run = std::make_unique<WorkloadRun>(workload, arguments), .refused = {}};
    const json& about = watched.run->about();
    watched.refused = about.is_object() ? about["refused"].get<std::string>() : workload + " did not start";
    if (!watched.refused.empty()) return watched;
    watched.pid = watched.run->pid();
    watched.tid = about["tid"];
    v1::AttachRequest request;
    request.add_pids(watched.pid);
    request.mutable_options()->set_spike_threshold_ns(kThresholdNs);
    request.mutable_options()->add_probe_groups("memory");
    const auto attached = daemon_.client().Attach(request);
    EXPECT_TRUE(attached.ok()) << attached.status();
    return watched;
  }
  // In a window of two seconds that begins now and in which nothing happens to the thread; the moment of its begin.
  int64_t ExpectQuiet(const std::string& rule, const Watched& watched) {
    const int64_t since_ns = workload::NowNs();
    const auto advice = rig_.AdviceAfter({.rule = rule, .pids = {watched.pid}, .since_ns = since_ns}, AdviceRig::OfThread(watched.tid));
    EXPECT_TRUE(advice.ok()) << advice.status();
    if (advice.ok() && advice->has_value()) ADD_FAILURE() << "nothing was injected yet: " << (*advice)->DebugString();
    return since_ns;
  }
  // Both threads live, the mended one acts in a window that begins with the mend: the rule has nothing to say of either.
  json ExpectMended(const std::string& rule, const Watched& before, const Watched& mended, const AdviceRig::Match& match) {
    const int64_t since_ns = workload::NowNs();
    const AdviceRig::Question question{.rule = rule, .pids = {before.pid, mended.pid}, .since_ns = since_ns};
    EXPECT_TRUE(rig_.AskWhenJudged(question).ok());  // from here on what happens is in the sums' difference
    json truth = mended.run->Act();
    EXPECT_TRUE(truth.is_object());
    const auto of_either = [&](const v1::Recommendation& one) {
      return (one.thread().tid() == before.tid || one.thread().tid() == mended.tid) && match(one);
    };
    const auto advice = rig_.AdviceAfter(question, of_either);
    EXPECT_TRUE(advice.ok()) << advice.status();
    if (advice.ok() && advice->has_value()) ADD_FAILURE() << "mended: " << (*advice)->DebugString();
    return truth;
  }
  static AdviceRig::Match StallOf(pid_t tid, const std::string& stall) {
    return [of_thread = AdviceRig::OfThread(tid), of_stall = AdviceRig::WithValue("stall", stall)](const v1::Recommendation& one) {
      return of_thread(one) && of_stall(one);
    };
  }
};

TEST_F(RecommendMemoryTest, MajorFaultsAreToldOfWhoTakesThemUntilItsMemoryIsLocked) {
  constexpr char kRule[] = "major-faults-no-mlock";
  const Watched faulter = Watch("page_faulter", {"--kind", "file", "--count", "100"});
  if (!faulter.refused.empty()) GTEST_SKIP() << faulter.refused;
  const int64_t since_ns = ExpectQuiet(kRule, faulter);
  const json truth = faulter.run->Act();
  ASSERT_TRUE(truth.is_object());
  const auto major_count = truth["major_count"].get<int64_t>();
  if (major_count == 0) GTEST_SKIP() << "its pages came from memory: no major fault was made";
  const auto advice = rig_.AwaitAdvice({.rule = kRule, .pids = {faulter.pid}, .since_ns = since_ns}, AdviceRig::OfThread(faulter.tid));
  ASSERT_TRUE(advice.ok()) << advice.status();
  const v1::Evidence& evidence = advice->evidence();
  std::printf("%lld major faults, %lld told, %lld of %lld us\n", static_cast<long long>(major_count),
              static_cast<long long>(evidence.count()), static_cast<long long>(evidence.sum_ns() / 1'000),
              static_cast<long long>(SumOf(truth["faults"]) / 1'000));
  // Beside its touches it may meet pages of its own program that were not in memory.
  EXPECT_GE(static_cast<int64_t>(evidence.count()), major_count);
  EXPECT_LE(static_cast<int64_t>(evidence.count()), major_count + 20);
  EXPECT_GT(evidence.sum_ns(), 0);
  if (static_cast<int64_t>(evidence.count()) == major_count) {
    EXPECT_LE(evidence.sum_ns(), SumOf(truth["faults"]));
  }
  EXPECT_NE(advice->action().code_hint().find("mlockall"), std::string::npos);

  const Watched locked = Watch("page_faulter", {"--kind", "file", "--count", "100", "--lock"});
  ASSERT_EQ(locked.refused, "");
  const json mended = ExpectMended(kRule, faulter, locked, [](const auto&) { return true; });
  EXPECT_EQ(mended["faults"].size(), 100u) << "it touched as many pages";
  EXPECT_EQ(mended["major_count"].get<int64_t>(), 0);
}

TEST_F(RecommendMemoryTest, FlushesThatASiblingsMunmapSendsAreToldUntilItKeepsItsMemory) {
  constexpr char kRule[] = "tlb-shootdowns";
  constexpr int64_t kChanges = 5'000;
  const std::string count = std::to_string(kChanges);
  const Watched victim = Watch("page_faulter", {"--kind", "shootdown", "--count", count, "--priority", "1"});
  if (!victim.refused.empty()) GTEST_SKIP() << victim.refused;
  if (const std::string why = MissingPartOfMemory(daemon_, victim.pid, "senders"); !why.empty()) GTEST_SKIP() << why;
  const int64_t since_ns = ExpectQuiet(kRule, victim);
  const int64_t before = ReadCpuInterrupts(std::stoi(CpuArgument())).tlb;
  ASSERT_TRUE(victim.run->Act().is_object());
  const int64_t received = ReadCpuInterrupts(std::stoi(CpuArgument())).tlb - before;
  if (received < kChanges / 10) GTEST_SKIP() << "the hypervisor flushed them itself: " << received << " came as interrupts";
  const auto advice = rig_.AwaitAdvice({.rule = kRule, .pids = {victim.pid}, .since_ns = since_ns}, AdviceRig::OfThread(victim.tid));
  ASSERT_TRUE(advice.ok()) << advice.status();
  std::printf("%lld changes, %lld interrupts on its CPU, %llu told\n", static_cast<long long>(kChanges), static_cast<long long>(received),
              static_cast<unsigned long long>(advice->evidence().count()));
  EXPECT_LE(static_cast<int64_t>(advice->evidence().count()), kChanges + 100);
  EXPECT_GE(static_cast<int64_t>(advice->evidence().count()), kChanges / 20);
  EXPECT_EQ(AdviceRig::NumberOf(*advice, "actor_tid"), victim.run->about()["other_tid"].get<int64_t>());
  EXPECT_TRUE(AdviceRig::WithValue("call", "munmap")(*advice)) << advice->DebugString();
  EXPECT_NE(advice->action().code_hint().find("MALLOC_TRIM_THRESHOLD_"), std::string::npos);

  const Watched keeper = Watch("page_faulter", {"--kind", "reuse", "--count", count, "--priority", "1"});
  ASSERT_EQ(keeper.refused, "");
  ExpectMended(kRule, victim, keeper, [](const auto&) { return true; });
}

TEST_F(RecommendMemoryTest, ACompactionIsToldWithTheSettingThatMakesFaultsNotWaitForIt) {
  constexpr char kRule[] = "thp-or-compaction-stall";
  const KeptSetting defrag(kDefrag);
  const Watched stalled = Watch("kernel_stalled", {"--kind", "compact", "--count", "5"});
  if (!stalled.refused.empty()) GTEST_SKIP() << stalled.refused;
  if (const std::string why = MissingPartOfMemory(daemon_, stalled.pid, "compaction"); !why.empty()) GTEST_SKIP() << why;
  const int64_t since_ns = ExpectQuiet(kRule, stalled);
  const json truth = stalled.run->Act();
  ASSERT_TRUE(truth.is_object());
  if (MemoryOfThread(daemon_, stalled.pid, stalled.tid).compaction().longest_ns() < 50'000)
    GTEST_SKIP() << "this kernel found nothing to compact for 50 us";
  const auto advice = rig_.AwaitAdvice({.rule = kRule, .pids = {stalled.pid}, .since_ns = since_ns}, StallOf(stalled.tid, "compaction"));
  ASSERT_TRUE(advice.ok()) << advice.status();
  std::printf("%llu compactions, %lld of %lld us, the longest %lld us: %s\n", static_cast<unsigned long long>(advice->evidence().count()),
              static_cast<long long>(advice->evidence().sum_ns() / 1'000), static_cast<long long>(SumOf(truth["stalls"]) / 1'000),
              static_cast<long long>(advice->evidence().longest_ns() / 1'000), advice->action().command().c_str());
  EXPECT_LE(advice->evidence().sum_ns(), SumOf(truth["stalls"]));
  EXPECT_LE(advice->evidence().longest_ns(), advice->evidence().sum_ns());
  // The command is as the host is set. It is run here, and undone; what it ends are faults that wait, and not what was injected, a write to
  // compact_memory: that ends because nobody writes any more.
  if (BracketedWord("/sys/kernel/mm/transparent_hugepage/enabled") != "always" &&
      (defrag.word() == "always" || defrag.word() == "madvise")) {
    ASSERT_EQ(advice->action().command(), std::string("echo defer > ") + kDefrag);
    EXPECT_EQ(AdviceRig::Shell(advice->action().command()).exit_code, 0);
    EXPECT_EQ(BracketedWord(kDefrag), "defer");
    EXPECT_EQ(AdviceRig::Shell(advice->action().undo()).exit_code, 0);
    EXPECT_EQ(BracketedWord(kDefrag), defrag.word());
  }
  const Watched toucher = Watch("page_faulter", {"--kind", "touch", "--count", "5000"});
  ASSERT_EQ(toucher.refused, "");
  ExpectMended(kRule, stalled, toucher, AdviceRig::WithValue("stall", "compaction"));
}

TEST_F(RecommendMemoryTest, CollapsesOfAThreadsOwnAreToldUntilItsMemoryIsHugeFromTheFirstTouch) {
  constexpr char kRule[] = "huge-page-collapse";
  const Watched stalled = Watch("kernel_stalled", {"--kind", "collapse", "--count", "20"});
  if (!stalled.refused.empty()) GTEST_SKIP() << stalled.refused;
  if (const std::string why = MissingPartOfMemory(daemon_, stalled.pid, "collapse"); !why.empty()) GTEST_SKIP() << why;
  const int64_t since_ns = ExpectQuiet(kRule, stalled);
  const json truth = stalled.run->Act();
  ASSERT_TRUE(truth.is_object());
  const auto made = truth["collapse_count"].get<int64_t>();
  if (made < 2) GTEST_SKIP() << "this kernel made " << made << " huge pages (MADV_COLLAPSE is Linux 6.1's)";
  const auto advice = rig_.AwaitAdvice({.rule = kRule, .pids = {stalled.pid}, .since_ns = since_ns}, AdviceRig::OfThread(stalled.tid));
  ASSERT_TRUE(advice.ok()) << advice.status();
  std::printf("%lld huge pages were made, %llu told\n", static_cast<long long>(made),
              static_cast<unsigned long long>(advice->evidence().count()));
  EXPECT_LE(static_cast<int64_t>(advice->evidence().count()), made);
  EXPECT_EQ(advice->action().command(), "");
  EXPECT_NE(advice->action().code_hint().find("MADV_HUGEPAGE before the first touch"), std::string::npos);

  const Watched huge = Watch("page_faulter", {"--kind", "huge", "--count", "20"});
  if (!huge.refused.empty()) GTEST_SKIP() << huge.refused;
  ExpectMended(kRule, stalled, huge, [](const auto&) { return true; });
}

TEST_F(RecommendMemoryTest, ReclaimIsToldOfWhoLooksForMemoryUntilThereIsEnough) {
  constexpr char kRule[] = "thp-or-compaction-stall";
  constexpr uint64_t kFileBytes = 96u << 20;
  const MemoryCgroup small(24u << 20);
  const MemoryCgroup large(1u << 30);
  if (small.folder().empty() || large.folder().empty()) GTEST_SKIP() << "no memory cgroup can be made here";
  const auto reader = [&](const MemoryCgroup& cgroup) {
    return Watch("kernel_stalled", {"--kind", "reclaim", "--bytes", std::to_string(kFileBytes), "--cgroup", cgroup.folder()});
  };
  Watched stalled = reader(small);
  if (!stalled.refused.empty()) GTEST_SKIP() << stalled.refused;
  if (const std::string why = MissingPartOfMemory(daemon_, stalled.pid, "reclaim"); !why.empty()) GTEST_SKIP() << why;
  const int64_t since_ns = ExpectQuiet(kRule, stalled);
  const json truth = stalled.run->Act();
  ASSERT_TRUE(truth.is_object());
  if (MemoryOfThread(daemon_, stalled.pid, stalled.tid).reclaim().longest_ns() < 50'000) GTEST_SKIP() << "no reclaim took 50 us";
  const auto advice = rig_.AwaitAdvice({.rule = kRule, .pids = {stalled.pid}, .since_ns = since_ns}, StallOf(stalled.tid, "reclaim"));
  ASSERT_TRUE(advice.ok()) << advice.status();
  std::printf("%llu reclaims, %lld of %lld us, the longest %lld us\n", static_cast<unsigned long long>(advice->evidence().count()),
              static_cast<long long>(advice->evidence().sum_ns() / 1'000), static_cast<long long>(SumOf(truth["stalls"]) / 1'000),
              static_cast<long long>(advice->evidence().longest_ns() / 1'000));
  EXPECT_GE(static_cast<int64_t>(advice->evidence().count()), 16) << "four times its size went through the cgroup";
  EXPECT_LE(advice->evidence().sum_ns(), SumOf(truth["stalls"]));
  EXPECT_EQ(advice->action().command(), "");
  EXPECT_NE(advice->action().code_hint().find("memory.high"), std::string::npos);

  Watched enough = reader(large);
  ASSERT_EQ(enough.refused, "");
  ExpectMended(kRule, stalled, enough, AdviceRig::WithValue("stall", "reclaim"));
  stalled.run.reset();  // the cgroups can go when nobody is in them
  enough.run.reset();
}

}  // namespace
}  // namespace hftmon::testing
