// `recommend`: what to change, by a scripted daemon.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <tuple>

#include "tests/client/cli/cli_fixture.h"

namespace hftmon {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kTwoSettings[] = R"(
  time { monotonic_ns: 13000000000 }
  window { begin_monotonic_ns: 3000000000 end_monotonic_ns: 13000000000 }
  recommendations { rule: "audit-ksm" id: "audit-ksm" title: "The kernel looks for equal pages" cause: "ksm/run is 1" confidence: 0.7
    basis: "configuration" evidence { sentences: "/sys/kernel/mm/ksm/run is 1" values { key: "value" value: "1" } }
    action { command: "echo 0 > /sys/kernel/mm/ksm/run" undo: "echo 1 > /sys/kernel/mm/ksm/run" reach: "now" risk: "low" } }
  recommendations { rule: "audit-nohz-full" id: "audit-nohz-full" title: "Reserved CPUs tick" cause: "CPU 2 is reserved" confidence: 0.7
    basis: "configuration" action { code_hint: "add nohz_full=2" reach: "reboot" risk: "medium" } }
  recommendations { rule: "audit-nmi-watchdog" id: "audit-nmi-watchdog" title: "The NMI watchdog" cause: "it is 1" confidence: 0.7
    basis: "configuration"
    action { command: "sysctl -w kernel.nmi_watchdog=0" undo: "sysctl -w kernel.nmi_watchdog=1" reach: "now" risk: "low" } })";

class RecommendVerbTest : public CliFixture {
 protected:
  void Answer(const std::string& text) {
    v1::RecommendResponse answer;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &answer));
    monitor_.recommend = [this, answer](const auto& request, auto* response) {
      seen_ = request;
      *response = answer;
      return grpc::Status::OK;
    };
  }
  v1::RecommendRequest seen_;
};

TEST_F(RecommendVerbTest, AnAuditEndsWithItsCommandsALineEachAndTheirUndoInTheOtherOrder) {
  Answer(kTwoSettings);
  StringConsole console;
  EXPECT_EQ(Run({"recommend", "--audit"}, console), 2) << console.err();
  EXPECT_TRUE(seen_.audit());
  EXPECT_THAT(console.out(), HasSubstr("what to change, by what was seen in the host's settings and in the last 10s"));
  EXPECT_THAT(console.out(), HasSubstr("\nReserved CPUs tick [audit-nohz-full, confidence medium]\n"));
  EXPECT_THAT(console.out(), HasSubstr("\n# all commands, for a shell of root\n"
                                       "echo 0 > /sys/kernel/mm/ksm/run\nsysctl -w kernel.nmi_watchdog=0\n"
                                       "# and what undoes them\n"
                                       "sysctl -w kernel.nmi_watchdog=1\necho 1 > /sys/kernel/mm/ksm/run\n"));
}

TEST_F(RecommendVerbTest, AMeasuredAdviceIsToldWithItsNumbersAndItsProofInUnits) {
  const auto answer = [](const std::string& metric, const std::string& value) {
    return R"(window { begin_monotonic_ns: 3000000000 end_monotonic_ns: 13000000000 }
      recommendations { rule: "fifo-shares-core" id: "x" title: "A real-time thread\n shares it" cause: "it ran" confidence: 0.9 basis: "measured"
        evidence { sentences: "tid 7 waited" spike_ids: 9 spike_ids: 4 count: 17 }
        action { command: "taskset -pc 0 55" undo: "taskset -pc 0-2 55" reach: "now" risk: "low" persist: "CPUAffinity=0" }
        gain { ns_per_second: 3400000 } proof { metric: ")" +
           metric + R"(" query: "hftmon spikes -p 7" expected: "0" value_now: )" + value + " } }";
  };
  Answer(answer("preempted_ns_per_s", "1895730"));
  StringConsole console;
  EXPECT_EQ(Run({"recommend"}, console), 2) << console.err();
  for (const char* part : {"A real-time thread? shares it [fifo-shares-core, confidence high]", "evidence: tid 7 waited", "#9 #4",
                           "do:       taskset -pc 0 55\n", "undo:     taskset -pc 0-2 55\n", "CPUAffinity=0", "up to 3.4ms a second",
                           "preempted_ns_per_s: now 1.9ms a second, then 0: hftmon spikes -p 7"}) {
    EXPECT_THAT(console.out(), HasSubstr(part));
  }
  for (const auto& [metric, value, text] :
       {std::tuple("migration_count_per_s", "12.34", "now 12.3 a second,"), std::tuple("waking_longest_ns", "20400", "now 20.4us,"),
        std::tuple("remote_page_share", "0.251", "now 25.1 %,"), std::tuple("setting", "1", "now 1,")}) {
    Answer(answer(metric, value));
    StringConsole other;
    EXPECT_EQ(Run({"recommend"}, other), 2);
    EXPECT_THAT(other.out(), HasSubstr(text)) << metric;
  }
}

TEST_F(RecommendVerbTest, OfManyPiecesOfEvidenceTheHeaviestAreToldAndHowManyMoreThereAre) {
  Answer(R"(window { begin_monotonic_ns: 3000000000 end_monotonic_ns: 13000000000 }
    recommendations { rule: "kernel-threads-share-core" id: "x" title: "They share it" cause: "they ran" confidence: 0.9 basis: "measured"
      evidence { sentences: "rcu ran" sentences: "ksmd ran" sentences: "jbd2 ran" sentences: "kauditd ran" sentences_left_out: 5 } })");
  StringConsole console;
  EXPECT_EQ(Run({"recommend"}, console), 2) << console.err();
  EXPECT_THAT(console.out(), HasSubstr("evidence: jbd2 ran\n"));
  EXPECT_THAT(console.out(), HasSubstr("and 6 more of less weight\n"));
  EXPECT_THAT(console.out(), Not(HasSubstr("kauditd")));
}

TEST_F(RecommendVerbTest, AGainThatIsNoBoundSaysAboutAndOfWhat) {
  Answer(R"(window { begin_monotonic_ns: 3000000000 end_monotonic_ns: 13000000000 }
    recommendations { rule: "run-queue-crowded" id: "x" title: "It shares it" cause: "it ran" confidence: 0.9 basis: "measured"
      gain { ns_per_second: 3400000 estimated: true basis: "what it ran in waits that are spikes" } })");
  StringConsole console;
  EXPECT_EQ(Run({"recommend"}, console), 2) << console.err();
  EXPECT_THAT(console.out(), HasSubstr("about 3.4ms a second, estimated: what it ran in waits that are spikes\n"));
  EXPECT_THAT(console.out(), Not(HasSubstr("up to")));
}

TEST_F(RecommendVerbTest, WithoutAuditTheCommandsStandWithTheirReasonsAlone) {
  Answer(kTwoSettings);
  StringConsole console;
  EXPECT_EQ(Run({"recommend"}, console), 2);
  EXPECT_FALSE(seen_.audit());
  EXPECT_THAT(console.out(), AllOf(Not(HasSubstr("# all commands")), Not(HasSubstr("the host's settings"))));
}

TEST_F(RecommendVerbTest, JsonHasACommandAndItsUndoForEachAdviceThatHasOne) {
  Answer(kTwoSettings);
  StringConsole console;
  EXPECT_EQ(Run({"recommend", "--audit", "--json"}, console), 2);
  EXPECT_TRUE(seen_.audit());
  const json all = json::parse(console.out()).at("recommendations");
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].at("action").at("command"), "echo 0 > /sys/kernel/mm/ksm/run");
  EXPECT_EQ(all[0].at("action").at("undo"), "echo 1 > /sys/kernel/mm/ksm/run");
  EXPECT_EQ(all[0].at("basis"), "configuration");
  EXPECT_FALSE(all[1].at("action").contains("command"));
}

TEST_F(RecommendVerbTest, AHostThatIsSetUpWellIsExitCodeZero) {
  Answer("time { monotonic_ns: 13000000000 }");
  StringConsole console;
  EXPECT_EQ(Run({"recommend", "--audit"}, console), 0) << console.err();
  EXPECT_THAT(console.out(), HasSubstr("nothing to change by what was seen in the host's settings"));
}

TEST_F(RecommendVerbTest, WhereNothingIsWatchedTheAnswerSaysWhatToDo) {
  Answer(R"(time { monotonic_ns: 13000000000 }
    not_judged { rule: "futex-convoy" reason: "no process is watched" mend: "hftmon attach PID, or `hftmon recommend --audit`" }
    not_judged { rule: "irq-on-watched-core" reason: "no process is watched" mend: "hftmon attach PID, or `hftmon recommend --audit`" })");
  StringConsole console;
  EXPECT_EQ(Run({"recommend"}, console), 1);
  EXPECT_THAT(console.out(), HasSubstr("  futex-convoy, irq-on-watched-core: no process is watched: hftmon attach PID, or "
                                       "`hftmon recommend --audit`\n"));
}

TEST_F(RecommendVerbTest, AnAuditWithoutATargetSaysOnOneLineThatWhatIsMeasuredWasNotJudged) {
  std::string answer = "time { monotonic_ns: 13000000000 }";
  for (int i = 1; i <= 31; ++i) {
    answer += "not_judged { rule: \"rule-" + std::to_string(i) +
              "\" reason: \"no process is watched, and they judge what is measured of one (hftmon attach PID)\" }";
  }
  Answer(answer);
  StringConsole console;
  EXPECT_EQ(Run({"recommend", "--audit"}, console), 0) << "the audit itself is whole: " << console.err();
  EXPECT_THAT(console.out(),
              HasSubstr("not judged:\n  rule-1, rule-2, rule-3 and 28 more rules: no process is watched, and they judge what is "
                        "measured of one (hftmon attach PID)\n"));
  StringConsole of_json;
  EXPECT_EQ(Run({"recommend", "--audit", "--json"}, of_json), 0);
  EXPECT_EQ(json::parse(of_json.out()).at("not_judged").size(), 31u);
}

}  // namespace
}  // namespace hftmon
