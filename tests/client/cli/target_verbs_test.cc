// attach, detach and targets against a scripted daemon: what they send, and what they say of who else holds what.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/client/cli/answers.h"
#include "tests/client/cli/cli_fixture.h"

namespace hftmon {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

using TargetVerbsTest = CliFixture;

TEST_F(TargetVerbsTest, AttachAndDetachSendRulesAndAttachPersists) {
  v1::AttachRequest attached;
  v1::DetachRequest detached;
  const auto add_rule = [](auto* response) {
    v1::TargetRule* rule = response->add_rules();
    rule->set_id(3);
    rule->mutable_selector()->set_cpus("2-3");
    rule->mutable_options()->set_spike_threshold_ns(50'000);
    rule->add_pids(9);
    rule->set_found_count(4);
    v1::CpuVisit* visit = rule->add_visits();
    visit->set_cpu(2);
    visit->set_comm("kworker/2:1");
    visit->set_count(17);
  };
  monitor_.attach = [&](const auto& request, auto* response) {
    attached = request;
    add_rule(response);
    return grpc::Status::OK;
  };
  monitor_.detach = [&](const auto& request, auto* response) {
    detached = request;
    add_rule(response);
    response->add_still_held_pids(5);
    return grpc::Status::OK;
  };
  StringConsole attach;
  EXPECT_EQ(Run({"attach", "--name", "matcher", "--unit", "a", "--unit", "b", "--cgroup", "/trading", "--cpus", "2-3", "--json"}, attach),
            0);
  EXPECT_TRUE(attached.persist());
  ASSERT_EQ(attached.selectors_size(), 5);
  EXPECT_EQ(attached.selectors(0).name(), "matcher");
  EXPECT_EQ(attached.selectors(1).cgroup(), "/trading");
  EXPECT_EQ(attached.selectors(3).unit(), "b");
  EXPECT_EQ(attached.selectors(4).cpus(), "2-3");
  const json answer = json::parse(attach.out());
  EXPECT_EQ(answer["rules"][0]["selector"]["cpus"], "2-3");
  EXPECT_EQ(answer["rules"][0]["visits"][0]["comm"], "kworker/2:1");
  StringConsole bytes;
  EXPECT_EQ(Run({"attach", "--name", "\xff\xfe"}, bytes), 3);
  EXPECT_THAT(bytes.err(), HasSubstr("not UTF-8"));
  monitor_.list_targets = [](const auto&, auto* response) {
    *response->add_targets() = SomeTarget(5);
    v1::TargetHolder* holder = response->mutable_targets(0)->add_holders();
    holder->set_session_id(7);
    holder->set_client("dashboard");
    return grpc::Status::OK;
  };
  StringConsole detach;
  EXPECT_EQ(Run({"detach", "5", "--cpus", "2-3", "--force"}, detach), 0);
  EXPECT_TRUE(detached.force());
  EXPECT_EQ(detached.selectors_size(), 1);
  EXPECT_THAT(detach.out(), HasSubstr("ended the rule cpus 2-3\n5 is watched still, for other clients: dashboard\n"));
}

TEST_F(TargetVerbsTest, BothNumbersAreShownAndWhoseAreGivenIsSaid) {
  monitor_.attach = [](const auto&, auto* response) {
    *response->add_targets() = SomeTarget(4711);
    response->mutable_targets(0)->set_namespace_pid(7);
    response->mutable_targets(0)->set_pid_namespace(4026532001);
    *response->add_targets() = SomeTarget(4712);
    return grpc::Status::OK;
  };
  monitor_.list_targets = [](const auto&, auto*) { return grpc::Status::OK; };
  monitor_.detach = [](const auto&, auto* response) {
    response->add_pids(4711);
    response->add_pids(4712);
    response->add_namespace_pids(7);
    response->add_namespace_pids(0);
    return grpc::Status::OK;
  };
  StringConsole text;
  EXPECT_EQ(Run({"--pid-namespace", "4000", "attach", "7"}, text), 0);
  EXPECT_EQ(monitor_.attached_of, "4000");
  EXPECT_THAT(text.out(), AllOf(HasSubstr("4711 (7)  "), HasSubstr("    4712  ")));
  StringConsole object;
  EXPECT_EQ(Run({"attach", "7", "--json"}, object), 0);
  EXPECT_EQ(monitor_.attached_of, "");
  const json targets = json::parse(object.out())["targets"];
  EXPECT_EQ(targets[0]["namespace_pid"], 7);
  EXPECT_EQ(targets[0]["pid_namespace"], 4026532001);
  EXPECT_FALSE(targets[1].contains("namespace_pid"));
  StringConsole detached;
  EXPECT_EQ(Run({"detach", "7"}, detached), 0);
  EXPECT_THAT(detached.out(), HasSubstr("detached 4711 (7), 4712: "));
  for (const char* wrong : {"0", "x", "1,2"}) {
    StringConsole refused;
    EXPECT_EQ(Run({"--pid-namespace", wrong, "attach", "7"}, refused), 3) << wrong;
    EXPECT_THAT(refused.err(), HasSubstr("--pid-namespace"));
  }
}

TEST_F(TargetVerbsTest, DetachNamesTheCallersOwnRuleThatHoldsOn) {
  monitor_.detach = [](const auto&, auto* response) {
    response->add_still_held_pids(5);
    response->add_still_held_pids(6);
    return grpc::Status::OK;
  };
  monitor_.list_targets = [](const auto&, auto* response) {
    *response->add_targets() = SomeTarget(5);
    response->mutable_targets(0)->add_holders()->set_rule_id(3);
    v1::TargetHolder* other = response->mutable_targets(0)->add_holders();
    other->set_session_id(7);
    other->set_rule_id(3);
    response->add_rules()->set_id(3);
    response->mutable_rules(0)->mutable_selector()->set_name("matcher");
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"detach", "5,6"}, console), 0);
  EXPECT_EQ(console.out(),
            "5 is watched still, for the rule name matcher (`hftmon detach --name matcher` ends it); other clients: session 7\n"
            "6 is watched still (`hftmon targets` says for whom)\n");
}

TEST_F(TargetVerbsTest, ASecondAttachSaysWhatTheTargetHasTogether) {
  v1::Target target = SomeTarget(4711);
  v1::TargetRule rule;
  rule.set_id(3);
  rule.mutable_selector()->set_name("matcher");
  monitor_.list_targets = [&](const auto&, auto* response) {
    *response->add_targets() = target;
    *response->add_rules() = rule;
    return grpc::Status::OK;
  };
  monitor_.attach = [&](const auto&, auto* response) {
    *response->add_targets() = target;
    v1::TargetOptions* options = response->mutable_targets(0)->mutable_options();
    options->set_spike_threshold_ns(20'000);
    options->set_blocked_threshold_ns(3'000'000);
    options->set_sampling_interval_ns(10'000'000);
    options->set_stacks(v1::STACK_CHOICE_BOTH);
    options->set_waker(true);
    options->add_counter_events("page-faults");
    options->set_counter_interval_ns(1'000'000);
    *response->add_targets() = SomeTarget(9);
    *response->add_rules() = rule;
    *response->mutable_rules(0)->mutable_options() = *options;
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"attach", "4711,9", "--name", "matcher", "--threshold", "100us"}, console), 0);
  const std::string together =
      "already, it now has what all ask for together: spikes above 20us, blocked above 3ms, kernel and user stacks, wakers, "
      "page-faults, counts told apart each 1ms, a bucket each 10ms, children followed (to ask for less, detach it first";
  EXPECT_THAT(console.out(), HasSubstr("\n4711 was watched " + together +
                                       "; what is counted changes by `hftmon targets --set 4711`)\nrule 3 was there " + together + ")\n"));
  EXPECT_THAT(console.out(), Not(HasSubstr("\n9 was watched")));
  target.set_state(v1::TARGET_STATE_ENDED);
  StringConsole ended;
  EXPECT_EQ(Run({"attach", "4711"}, ended), 0);
  EXPECT_THAT(ended.out(), Not(HasSubstr("4711 was watched already"))) << "another life of the number";
}

TEST_F(TargetVerbsTest, TargetsThatEndedAreASentenceUnlessAllAreAskedFor) {
  monitor_.list_targets = [](const auto&, auto* response) {
    for (const int pid : {7, 8, 9}) {
      *response->add_targets() = SomeTarget(pid);
      if (pid != 8) response->mutable_targets(pid - 7)->set_state(v1::TARGET_STATE_ENDED);
    }
    return grpc::Status::OK;
  };
  StringConsole some;
  EXPECT_EQ(Run({"targets"}, some), 0);
  EXPECT_THAT(some.out(), AllOf(HasSubstr("\n  8  matcher  running"), HasSubstr("\nand 2 ended targets, whose history is kept")));
  EXPECT_THAT(some.out(), Not(HasSubstr("\n  7  ")));
  StringConsole all;
  EXPECT_EQ(Run({"targets", "--all"}, all), 0);
  EXPECT_LT(all.out().find("\n  8  matcher  running"), all.out().find("\n  7  matcher  ended"));
  StringConsole every;
  EXPECT_EQ(Run({"targets", "--json"}, every), 0);
  EXPECT_EQ(json::parse(every.out())["targets"].size(), 3u);
}

TEST_F(TargetVerbsTest, DetachWantsPidsOrAllButNotBoth) {
  v1::DetachRequest seen;
  monitor_.detach = [&seen](const auto& request, auto* response) {
    seen = request;
    response->add_pids(5);
    return grpc::Status::OK;
  };
  StringConsole neither;
  EXPECT_EQ(Run({"detach"}, neither), 3);
  EXPECT_THAT(neither.err(), HasSubstr("--all"));
  StringConsole both;
  EXPECT_EQ(Run({"detach", "5", "--all"}, both), 3);
  StringConsole all;
  EXPECT_EQ(Run({"detach", "--all"}, all), 0);
  EXPECT_TRUE(seen.all());
  EXPECT_EQ(all.out(), "detached 5: its spikes and counts cannot be asked for until watched again\n");
}

TEST_F(TargetVerbsTest, TargetsPausesAndResumesBeforeItLists) {
  std::vector<std::string> calls;
  monitor_.update_target = [&calls](const auto& request, auto*) {
    calls.push_back(std::to_string(request.pid()) + (request.state() == v1::TARGET_STATE_PAUSED ? " paused" : " running"));
    return grpc::Status::OK;
  };
  monitor_.list_targets = [&calls](const auto&, auto* response) {
    calls.push_back("list");
    *response->add_targets() = SomeTarget(7);
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"targets", "--pause", "7,8", "--resume", "9"}, console), 0);
  EXPECT_THAT(calls, ElementsAre("7 paused", "8 paused", "9 running", "list"));
}

TEST_F(TargetVerbsTest, TargetsChangesWhatIsCountedAndSaysWhenAllBeganAnew) {
  std::vector<v1::UpdateTargetRequest> seen;
  monitor_.update_target = [&seen](const auto& request, auto* response) {
    seen.push_back(request);
    response->set_counters_began_anew(request.pid() == 7);
    return grpc::Status::OK;
  };
  monitor_.list_targets = [](const auto&, auto* response) {
    *response->add_targets() = SomeTarget(8);
    v1::TargetOptions* options = response->mutable_targets(0)->mutable_options();
    options->set_cache(true);
    options->add_counter_events("page-faults");
    options->set_counter_interval_ns(5'000);
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"targets", "--set", "7,8", "--counters", "page-faults,cpu/event=1,umask=2/", "--counter-interval", "5us"}, console), 0);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[1].pid(), 8);
  EXPECT_THAT(seen[0].options().counter_events(), ElementsAre("page-faults", "cpu/event=1,umask=2/"));
  EXPECT_EQ(seen[0].options().counter_interval_ns(), 5'000);
  EXPECT_THAT(seen[0].options_mask().paths(), ElementsAre("counter_events", "counter_interval_ns"));
  EXPECT_THAT(console.out(), AllOf(HasSubstr(" counted "), HasSubstr(" cache,page-faults each 5us ")));
  EXPECT_EQ(console.err(), "other events are counted from here on: what the threads of all targets have counted began anew\n");
  seen.clear();
  StringConsole nothing;
  EXPECT_EQ(Run({"targets", "--set", "7", "--counters", "none", "--cache", "no"}, nothing), 0);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].options().counter_events_size(), 0);
  EXPECT_THAT(seen[0].options_mask().paths(), ElementsAre("counter_events", "cache"));
}

TEST_F(TargetVerbsTest, TargetsRefusesCountersWithoutAProcessAndAProcessWithoutCounters) {
  StringConsole console;
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"targets", "--counters", "page-faults"},
                                             {"targets", "--set", "7"},
                                             {"targets", "--set", "7", "--cache", "maybe"},
                                             {"targets", "--set", "7", "--counter-interval", "2s"}}) {
    EXPECT_EQ(Run(words, console), 3) << words.back();
  }
  EXPECT_THAT(console.err(), HasSubstr("name them with --set"));
  EXPECT_THAT(console.err(), HasSubstr("--cache maybe: use yes or no"));
}

}  // namespace
}  // namespace hftmon
