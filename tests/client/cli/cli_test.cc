// The whole command line against a scripted daemon.
#include "client/cli/cli.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "absl/strings/str_split.h"
#include "tests/client/cli/answers.h"
#include "tests/client/cli/cli_fixture.h"

namespace hftmon {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class CliTest : public CliFixture {
 protected:
  // One object a line.
  static std::vector<json> Lines(const std::string& text) {
    std::vector<json> lines;
    for (const auto line : absl::StrSplit(text, '\n', absl::SkipEmpty())) lines.push_back(json::parse(line.begin(), line.end()));
    return lines;
  }
};

TEST_F(CliTest, DoctorWarnsOfWhatIsUnavailable) {
  monitor_.get_capabilities = [](const auto&, auto* response) {
    *response = SomeCapabilities();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"doctor", "--json"}, console), 1);
  EXPECT_EQ(Lines(console.out()).at(0)["capabilities"][1]["mend"], "run on bare metal");
}

TEST_F(CliTest, DoctorFailsWhenSomethingRequiredIsMissing) {
  monitor_.get_capabilities = [](const auto&, auto* response) {
    *response = SomeCapabilities();
    response->mutable_capabilities(0)->set_available(false);
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"doctor"}, console), 2);
  EXPECT_THAT(console.out(), HasSubstr("MISSING  btf"));
}

TEST_F(CliTest, StatusIsFineUntilRecordsAreLost) {
  uint64_t lost = 0;
  monitor_.get_status = [&lost](const auto&, auto* response) {
    *response = SomeStatus();
    response->set_lost_records(lost);
    return grpc::Status::OK;
  };
  StringConsole fine;
  EXPECT_EQ(Run({"status", "--json"}, fine), 0);
  EXPECT_EQ(Lines(fine.out()).at(0)["lost_records"], 0);
  lost = 9;
  StringConsole warned;
  EXPECT_EQ(Run({"status", "--json"}, warned), 1);
  EXPECT_THAT(warned.err(), HasSubstr("hftmon: status: data was lost since the daemon started (lost_records 9): `hftmon status` without"));
}

TEST_F(CliTest, AttachSendsPidsAndOptions) {
  v1::AttachRequest seen;
  monitor_.attach = [&seen](const auto& request, auto* response) {
    seen = request;
    *response->add_targets() = SomeTarget(4711);
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(
      Run({"attach", "4711", "5,6", "--threshold", "20us", "--blocked", "1ms", "--interval", "10ms", "--waker", "--no-children", "--json"},
          console),
      0);
  EXPECT_TRUE(seen.options().waker());
  EXPECT_THAT(seen.pids(), ElementsAre(4711, 5, 6));
  EXPECT_EQ(seen.options().spike_threshold_ns(), 20'000);
  EXPECT_EQ(seen.options().blocked_threshold_ns(), 1'000'000);
  EXPECT_EQ(seen.options().sampling_interval_ns(), 10'000'000);
  EXPECT_TRUE(seen.options().has_follow_children());
  EXPECT_FALSE(seen.options().follow_children());
  EXPECT_EQ(Lines(console.out()).at(0)["targets"][0]["pid"], 4711);
}

TEST_F(CliTest, AttachLeavesWhatWasNotSaidToTheDaemon) {
  v1::AttachRequest seen;
  monitor_.attach = [&seen](const auto& request, auto*) {
    seen = request;
    return grpc::Status::OK;
  };
  monitor_.list_targets = [](const auto&, auto*) { return grpc::Status::OK; };
  StringConsole console;
  EXPECT_EQ(Run({"attach", "4711"}, console), 0);
  EXPECT_EQ(seen.options().ShortDebugString(), "");
  EXPECT_EQ(console.out(), "");
}

TEST_F(CliTest, ErrorOfTheDaemonIsPrintedWithTheFieldsItRefused) {
  monitor_.attach = [](const auto&, auto*) {
    return FakeMonitor::RichError(grpc::StatusCode::INVALID_ARGUMENT, "1 ns: too short: give 1us or more", "BAD_OPTION",
                                  "options.spike_threshold_ns", "1 us to 60 s");
  };
  monitor_.list_targets = [](const auto&, auto*) { return grpc::Status::OK; };
  StringConsole console;
  EXPECT_EQ(Run({"attach", "4711", "--threshold", "1us"}, console), 3);
  EXPECT_EQ(console.err(), "hftmon: attach: 1 ns: too short: give 1us or more\n  options.spike_threshold_ns: 1 us to 60 s\n");
  EXPECT_EQ(console.out(), "");
}

TEST_F(CliTest, AWindowBeyondTheDaemonsLimitIsRefusedInTheWordsOfTheOption) {
  monitor_.detect_spikes = [](const auto&, auto*) {
    return FakeMonitor::RichError(grpc::StatusCode::INVALID_ARGUMENT, "window_ns is 691200000000000: give less", "BAD_FIELD", "window_ns",
                                  "window_ns is 691200000000000: give less");
  };
  StringConsole console;
  EXPECT_EQ(Run({"spikes", "--window", "8d"}, console), 3);
  EXPECT_THAT(console.err(), StartsWith("hftmon: spikes: --window: longer than window_max of hftmond's configuration"));
}

TEST_F(CliTest, SpikesAreOneObjectALine) {
  v1::DetectSpikesRequest seen;
  monitor_.detect_spikes = [&seen](const auto& request, auto* response) {
    seen = request;
    *response->add_spikes() = SomeSpike(12);
    *response->add_spikes() = SomeSpike(13);
    *response->mutable_time() = SomeTime();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"spikes", "-p", "4711", "--window", "2s", "--threshold", "60us", "--blocked", "1ms", "--limit", "5", "--json"}, console),
            0);
  EXPECT_THAT(seen.pids(), ElementsAre(4711));
  EXPECT_EQ(seen.window_ns(), 2'000'000'000);
  EXPECT_EQ(seen.threshold_ns(), 60'000);
  EXPECT_EQ(seen.blocked_threshold_ns(), 1'000'000);
  EXPECT_EQ(seen.max_spikes(), 5);
  const std::vector<json> lines = Lines(console.out());
  ASSERT_EQ(lines.size(), 2u);
  int64_t sum_ns = lines[1]["unexplained_ns"];
  for (const json& cause : lines[1]["causes"]) sum_ns += cause["duration_ns"].get<int64_t>();
  EXPECT_EQ(sum_ns, lines[1]["duration_ns"]);
}

TEST_F(CliTest, TaiIsRefusedWhereTheHostDoesNotKnowIt) {
  v1::TimePair time = SomeTime();
  monitor_.detect_spikes = [&time](const auto&, auto* response) {
    *response->add_spikes() = SomeSpike(12);
    *response->mutable_time() = time;
    return grpc::Status::OK;
  };
  StringConsole unknown;
  EXPECT_EQ(Run({"spikes", "--time", "tai"}, unknown), 3);
  EXPECT_THAT(unknown.err(), HasSubstr("no TAI offset"));
  time.set_tai_offset_ns(37'000'000'000);
  StringConsole known;
  EXPECT_EQ(Run({"spikes", "--time", "tai"}, known), 0);
  EXPECT_THAT(known.out(), HasSubstr(" TAI  matcher"));
  StringConsole wrong;
  EXPECT_EQ(Run({"spikes", "--time", "gps"}, wrong), 3);
  EXPECT_THAT(wrong.err(), HasSubstr("local, utc, tai or mono"));
}

TEST_F(CliTest, SpikesFailOnSpikeOnlyWhenAskedAndThere) {
  int count = 1;
  monitor_.detect_spikes = [&count](const auto&, auto* response) {
    for (int i = 0; i < count; ++i) *response->add_spikes() = SomeSpike();
    return grpc::Status::OK;
  };
  StringConsole found;
  EXPECT_EQ(Run({"spikes", "--fail-on-spike"}, found), 2);
  count = 0;
  int target_count = 1;
  monitor_.list_targets = [&target_count](const auto&, auto* response) {
    for (int i = 0; i < target_count; ++i) *response->add_targets() = SomeTarget(4711);
    return grpc::Status::OK;
  };
  StringConsole none;
  EXPECT_EQ(Run({"spikes", "--fail-on-spike"}, none), 0);
  EXPECT_THAT(none.out(), StartsWith("no spikes in the last"));
  target_count = 0;
  StringConsole unwatched;
  EXPECT_EQ(Run({"spikes"}, unwatched), 0);
  EXPECT_EQ(unwatched.out(), "no spikes: nothing is watched: see `hftmon attach --help`\n");
  StringConsole none_json;
  EXPECT_EQ(Run({"spikes", "--json"}, none_json), 0);
  EXPECT_EQ(none_json.out(), "");
}

TEST_F(CliTest, IncompleteSpikesAreAWarning) {
  monitor_.detect_spikes = [](const auto&, auto* response) {
    response->set_incomplete(true);
    response->set_floor_ns(50'000);
    return grpc::Status::OK;
  };
  monitor_.list_targets = [](const auto&, auto*) { return grpc::Status::OK; };
  StringConsole console;
  EXPECT_EQ(Run({"spikes", "--threshold", "5us", "--json"}, console), 1);
  EXPECT_THAT(console.err(), HasSubstr("above 50us only"));
}

TEST_F(CliTest, SpikesBeyondTheDefaultAreSaidAndThoseBeyondALimitAreNot) {
  monitor_.detect_spikes = [](const auto&, auto* response) {
    for (uint64_t id = 1; id <= 1'000; ++id) *response->add_spikes() = SomeSpike(id);
    response->set_older_left_out(true);
    *response->mutable_time() = SomeTime();
    return grpc::Status::OK;
  };
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{"spikes"}, {"spikes", "--json"}}) {
    StringConsole console;
    EXPECT_EQ(Run(words, console), 1);
    EXPECT_EQ(console.err(), "hftmon: spikes: the newest 1000 of more: ask for a shorter --window or give --limit N\n");
  }
  StringConsole limited;
  EXPECT_EQ(Run({"spikes", "--json", "--limit", "1000"}, limited), 0);
  EXPECT_EQ(limited.err(), "");
}

TEST_F(CliTest, AWindowFromBeforeTheAttachmentIsSaidWithSpikesAndInJsonToo) {
  monitor_.detect_spikes = [](const auto&, auto* response) {
    *response->add_spikes() = SomeSpike(12);
    response->mutable_window()->set_begin_monotonic_ns(940'000'000'000);
    response->mutable_window()->set_end_monotonic_ns(1'000'000'000'000);
    response->mutable_window()->set_requested_ns(60'000'000'000);
    response->mutable_window()->set_truncated(true);
    *response->mutable_time() = SomeTime();
    return grpc::Status::OK;
  };
  monitor_.list_targets = [](const auto&, auto* response) {
    *response->add_targets() = SomeTarget(4711);
    *response->add_targets() = SomeTarget(4712);  // a child, born later
    response->mutable_targets(1)->set_parent_pid(4711);
    response->mutable_targets(1)->set_attached_monotonic_ns(990'000'000'000);
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"spikes", "--window", "1m", "--json"}, console), 1);
  EXPECT_EQ(
      console.err(),
      "hftmon: spikes: covers less than asked: 4711 was attached only 50s ago: of its time before nothing is known: ask for a shorter "
      "--window\n");
  EXPECT_EQ(Lines(console.out()).size(), 1u);
}

TEST_F(CliTest, WindowAllAsksForAllThatIsKept) {
  int64_t window_ns = -1;
  monitor_.query_context_switches = [&window_ns](const auto& request, auto* response) {
    window_ns = request.window_ns();
    *response = SomeSwitches();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"switches", "--window", "all", "--json"}, console), 0);
  EXPECT_EQ(window_ns, 0);
}

TEST_F(CliTest, SwitchesSendsWhatWasAskedAndPrintsOneObject) {
  v1::QueryContextSwitchesRequest seen;
  monitor_.query_context_switches = [&seen](const auto& request, auto* response) {
    seen = request;
    *response = SomeSwitches();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"switches", "-p", "4711", "-t", "4712,4713", "--percentiles", "50,99.9", "--min-duration", "100us", "--json"}, console),
            0);
  EXPECT_THAT(seen.tids(), ElementsAre(4712, 4713));
  EXPECT_THAT(seen.percentiles(), ElementsAre(50, 99.9));
  EXPECT_EQ(seen.min_duration_ns(), 100'000);
  EXPECT_EQ(seen.window_ns(), 10'000'000'000);
  ASSERT_EQ(Lines(console.out()).size(), 1u);
  EXPECT_EQ(Lines(console.out())[0]["threads"].size(), 2u);
}

TEST_F(CliTest, SwitchesWithLostRecordsIsAWarning) {
  monitor_.query_context_switches = [](const auto&, auto* response) {
    *response = SomeSwitches();
    response->set_lost_records(2);
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"switches", "--json"}, console), 1);
  EXPECT_THAT(console.err(), HasSubstr("2 records were lost"));
}

TEST_F(CliTest, MetricsStopsAfterCount) {
  monitor_.list_metrics = [](const auto&, auto*) { return grpc::Status::OK; };
  v1::WatchMetricsRequest seen;
  monitor_.watch_metrics = [&seen](const auto& request) {
    seen = request;
    v1::WatchMetricsResponse message;
    *message.mutable_time() = SomeTime();
    return StreamScript<v1::WatchMetricsResponse>{{message, message, message}, true};
  };
  StringConsole console;
  EXPECT_EQ(Run({"metrics", "-p", "7", "--metrics", "a,b", "--period", "100ms", "--count", "2", "--json"}, console), 0);
  EXPECT_THAT(seen.metrics(), ElementsAre("a", "b"));
  EXPECT_EQ(seen.period_ns(), 100'000'000);
  EXPECT_EQ(Lines(console.out()).size(), 2u);
}

TEST_F(CliTest, LocksAreShownByCallAndByOwnerAndWhatIsMissingIsSaid) {
  v1::QueryLocksRequest seen;
  monitor_.query_locks = [&seen](const auto& request, auto* response) {
    seen = request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
      window { begin_monotonic_ns: 1000000000 end_monotonic_ns: 11000000000 requested_ns: 10000000000 }
      time { monotonic_ns: 11000000000 }
      threads { thread { tid: 12 pid: 10 comm: "matcher" } available: true
        calls { name: "futex" number: 202 count: 4 blocked_ns: 8000000 wait_ns: 2000 longest_ns: 5000000 }
        others { count: 2 blocked_ns: 3000 wait_ns: 10 longest_ns: 2000 } }
      threads { thread { tid: 13 pid: 10 comm: "logger" } reason: "its place is above the table" }
      locks { pid: 10 address: 4096 count: 3 blocked_ns: 7000000 longest_ns: 5000000 longest_spike_id: 9 waiter_tids: 12
        owners { owner { tid: 13 comm: "logger" source: "glibc_mutex" state: "blocked" blocked_in: "write" } count: 2 blocked_ns: 6000000 }
        unknown_owner_count: 1 }
      blocked_floor_ns: 1000000)",
                                                              response));
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"locks", "-p", "10", "-t", "12,13", "--window", "10s"}, console), 1);
  EXPECT_THAT(seen.pids(), ElementsAre(10));
  EXPECT_THAT(seen.tids(), ElementsAre(12, 13));
  EXPECT_EQ(seen.window_ns(), 10'000'000'000);
  EXPECT_THAT(console.out(), AllOf(HasSubstr("futex"), HasSubstr("other calls"), HasSubstr("0x1000"), HasSubstr("5ms (#9)"),
                                   HasSubstr("2 logger[13], blocked in write (glibc_mutex); 1 unknown"),
                                   HasSubstr("unavailable for 1 thread: its place is above the table")));
  EXPECT_THAT(console.err(), HasSubstr("1 of 2 threads have no figures"));
  StringConsole as_json;
  EXPECT_EQ(Run({"locks", "--json"}, as_json), 1);
  const json answer = Lines(as_json.out()).at(0);
  EXPECT_EQ(answer["threads"][0]["calls"][0]["blocked_ns"], 8'000'000);
  EXPECT_EQ(answer["threads"][0]["other_calls"]["count"], 2);
  EXPECT_EQ(answer["threads"][1]["reason"], "its place is above the table");
  EXPECT_FALSE(answer["threads"][1].contains("calls"));
  EXPECT_EQ(answer["locks"][0]["owners"][0]["owner"]["blocked_in"], "write");
}

TEST_F(CliTest, HelpIsAVerbToo) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"help"}, {"--help"}, {"help", "help"}}) {
    StringConsole console;
    EXPECT_EQ(Run(words, console), 0) << ::testing::PrintToString(words);
    EXPECT_THAT(console.out(), AllOf(HasSubstr("Usage: hftmon [OPTIONS] SUBCOMMAND"), HasSubstr("detach")));
  }
  for (const std::vector<std::string>& words : {std::vector<std::string>{"help", "attach"}, {"attach", "--help"}}) {
    StringConsole console;
    EXPECT_EQ(Run(words, console), 0) << ::testing::PrintToString(words);
    EXPECT_THAT(console.out(), HasSubstr("Usage: hftmon attach [OPTIONS]"));
  }
  StringConsole console;
  EXPECT_EQ(Run({"help", "nonsense"}, console), 3);
  EXPECT_THAT(console.err(), HasSubstr("'nonsense': no such verb"));
}

TEST_F(CliTest, AnOptionThatMayStandMoreThanOnceTakesOneValueAtATime) {
  v1::AttachRequest attached;
  monitor_.attach = [&attached](const auto& request, auto*) {
    attached = request;
    return grpc::Status::OK;
  };
  monitor_.list_targets = [](const auto&, auto*) { return grpc::Status::OK; };
  StringConsole console;
  EXPECT_EQ(Run({"attach", "--probes", "memory", "4711", "--name", "feed", "4712"}, console), 0) << console.err();
  EXPECT_THAT(attached.pids(), ElementsAre(4711, 4712));
  EXPECT_THAT(attached.options().probe_groups(), ElementsAre("memory"));
  ASSERT_EQ(attached.selectors_size(), 1);
  EXPECT_EQ(attached.selectors(0).name(), "feed");
}

TEST_F(CliTest, AttachAndDetachTakeTheirProcessesByOptionToo) {
  v1::AttachRequest attached;
  monitor_.attach = [&attached](const auto& request, auto*) {
    attached = request;
    return grpc::Status::OK;
  };
  monitor_.list_targets = [](const auto&, auto*) { return grpc::Status::OK; };
  v1::DetachRequest detached;
  monitor_.detach = [&detached](const auto& request, auto*) {
    detached = request;
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"attach", "-p", "4711"}, console), 0) << console.err();
  EXPECT_THAT(attached.pids(), ElementsAre(4711));
  EXPECT_EQ(Run({"detach", "-p", "4711"}, console), 0) << console.err();
  EXPECT_THAT(detached.pids(), ElementsAre(4711));
}

TEST_F(CliTest, BadWordsAreErrorsThatNameTheMend) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "see `hftmon --help`"},
      {{"frobnicate"}, "'frobnicate': no such verb"},
      {{"spikes", "--frob"}, "see `hftmon spikes --help`"},
      {{"attach"}, "no process is named"},
      {{"attach", "0"}, "pgrep"},
      {{"attach", "-5"}, "pgrep"},
      {{"attach", "bash"}, "pgrep"},
      {{"attach", "1", "--threshold", "0"}, "must be more than 0"},
      {{"attach", "1", "--threshold=-5us"}, "is negative"},
      {{"spikes", "--threshold", "50"}, "write it like 50us"},
      {{"spikes", "--window", "0s"}, "must be more than 0"},
      {{"attach", "1", "--threshold", "1ns"}, "hftmon: attach: --threshold 1ns: give 1us to 1m\n"},
      {{"attach", "1", "--interval", "1us"}, "--interval 1us: give 100us to 1m\n"},
      {{"run", "--threshold", "1ns", "--", "true"}, "hftmon: run: --threshold 1ns: give 1us to 1m\n"},
      {{"run", "--blocked", "2h", "--", "true"}, "--blocked 2h: give 1us to 1h\n"},
      {{"spikes", "--threshold", "61s"}, "--threshold 61s: give 1ns to 1m\n"},
      {{"spikes", "--blocked", "61m"}, "--blocked 61m: give 1ns to 1h\n"},
      {{"spikes", "--follow", "--threshold", "999ns"}, "--threshold 999ns: give 1us to 1m\n"},
      {{"spikes", "--window", "367d"}, "--window 367d: give 1ns to 366d, or `all`\n"},
      {{"switches", "--window", "367d"}, "--window 367d: give 1ns to 366d, or `all`\n"},
      {{"memory", "--window", "367d"}, "--window 367d: give 1ns to 366d, or `all`\n"},
      {{"switches", "--min-duration", "2h"}, "--min-duration 2h: give 1ns to 1h\n"},
      {{"metrics", "--period", "1ms"}, "--period 1ms: give 10ms to 1h\n"},
      {{"spikes", "--limit", "0"}, "from 1 to 100000"},
      {{"switches", "--percentiles", "100"}, "50,95,99,99.9"},
      {{"switches", "--percentiles", "0"}, "50,95,99,99.9"},
      {{"metrics", "--period", "now"}, "write it like"},
      {{"status", "--timeout", "soon"}, "--timeout"},
      {{"status", "--server", "example.com:1"}, "ssh -L"},
      {{"status", "--", "ls"}, "hftmon run -- CMD"},
      {{"run"}, "after `--`"},
  };
  for (const auto& [words, mend] : cases) {
    StringConsole console;
    EXPECT_EQ(Run(words, console), 3) << ::testing::PrintToString(words);
    EXPECT_THAT(console.err(), AllOf(StartsWith("hftmon: "), HasSubstr(mend))) << ::testing::PrintToString(words);
    EXPECT_THAT(console.out(), IsEmpty());
  }
}

TEST_F(CliTest, UnreachableDaemonIsAnErrorOfEveryVerb) {
  const TemporaryFolder folder;
  const std::string nowhere = "unix:" + folder.File("none");
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{"doctor"},
                                                                                     {"status"},
                                                                                     {"attach", "1"},
                                                                                     {"detach", "1"},
                                                                                     {"targets"},
                                                                                     {"spikes"},
                                                                                     {"spikes", "--follow"},
                                                                                     {"switches"},
                                                                                     {"memory"},
                                                                                     {"cache"},
                                                                                     {"hardware"},
                                                                                     {"network"},
                                                                                     {"metrics"},
                                                                                     {"run", "--server", nowhere, "--", "/bin/false"}}) {
    std::vector<std::string> all = {"--server", nowhere};
    if (words[0] == "run") all.clear();
    all.insert(all.end(), words.begin(), words.end());
    StringConsole console;
    EXPECT_EQ(RunCli(all, console, absl::UTCTimeZone()), 3) << words[0];
    EXPECT_THAT(console.err(),
                AllOf(HasSubstr("hftmon: " + words[0] + ": no hftmond answers at " + nowhere), HasSubstr("systemctl start hftmond")));
  }
}

TEST_F(CliTest, FullDiskIsAnErrorAndAVanishedReaderIsNot) {
  monitor_.get_status = [](const auto&, auto* response) {
    *response = SomeStatus();
    return grpc::Status::OK;
  };
  StringConsole full(ENOSPC);
  EXPECT_EQ(Run({"status", "--json"}, full), 3);
  EXPECT_THAT(full.err(), HasSubstr("standard output: No space left on device"));
  StringConsole gone(EPIPE);
  EXPECT_EQ(Run({"status", "--json"}, gone), 0);
  EXPECT_EQ(gone.err(), "");
}

TEST_F(CliTest, HelpNamesEveryVerb) {
  StringConsole console;
  EXPECT_EQ(Run({"--help"}, console), 0);
  for (const char* verb :
       {"doctor", "status",     "attach", "detach", "targets",  "run",     "spikes",  "switches", "record", "export",   "irqs",
        "locks",  "inversions", "memory", "cache",  "hardware", "network", "sharing", "metrics",  "numa",   "recommend"}) {
    EXPECT_THAT(console.out(), HasSubstr(std::string("\n  ") + verb + " "));
  }
}

}  // namespace
}  // namespace hftmon
