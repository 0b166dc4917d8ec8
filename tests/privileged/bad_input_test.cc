// What a user can get wrong. Each case has a code, and a message that names the thing and the mend; the daemon goes on unimpressed.
#include <set>

#include "client/cpp/errors.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using absl::StatusCode;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

class BadInputTest : public PrivilegedTest {
 protected:
  void TearDown() override {
    if (IsSkipped()) return;
    EXPECT_TRUE(daemon_.client().GetStatus().ok()) << daemon_.process().ErrorText();
  }
  // `words` are what the message must contain: the thing that was wrong, the mend.
  static void ExpectRefused(const absl::Status& status, StatusCode code, const std::vector<std::string>& words) {
    EXPECT_EQ(status.code(), code) << status;
    for (const std::string& word : words) EXPECT_THAT(std::string(status.message()), HasSubstr(word));
  }
  absl::Status AttachWith(const std::function<void(v1::AttachRequest&)>& spoil) const {
    v1::AttachRequest request;
    request.add_pids(sleeper_.pid());
    spoil(request);
    return daemon_.client().Attach(request).status();
  }

  WorkloadRun sleeper_{"sleeper"};
};

TEST_F(BadInputTest, AProcessThatDoesNotExist) {
  // Above the largest pid that any kernel gives out.
  ExpectRefused(daemon_.Attach((1 << 22) + 1).status(), StatusCode::kNotFound, {std::to_string((1 << 22) + 1)});
  const CommandResult result = daemon_.Hftmon({"attach", "4194305"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.error, HasSubstr("4194305"));
  // One that did a moment ago.
  Subprocess brief({"true"});
  brief.Wait();
  ExpectRefused(daemon_.Attach(brief.pid()).status(), StatusCode::kNotFound, {std::to_string(brief.pid())});
}

TEST_F(BadInputTest, AThreadsIdNamesItsProcess) {
  WorkloadRun spinners("two_spinners");
  const pid_t tid = spinners.about()["tids"][0];
  ExpectRefused(daemon_.Attach(tid).status(), StatusCode::kInvalidArgument,
                {std::to_string(tid), "thread", std::to_string(spinners.pid())});
}

TEST_F(BadInputTest, TheDaemonItselfAndKernelThreads) {
  ExpectRefused(daemon_.Attach(daemon_.pid()).status(), StatusCode::kInvalidArgument, {std::to_string(daemon_.pid()), "hftmon status"});
  ExpectRefused(daemon_.Attach(2).status(), StatusCode::kInvalidArgument, {"kernel thread"});
  for (const int32_t pid : {0, -1, INT32_MIN}) ExpectRefused(daemon_.Attach(pid).status(), StatusCode::kInvalidArgument, {});
}

TEST_F(BadInputTest, ListsOfProcesses) {
  ExpectRefused(daemon_.client().Attach({}).status(), StatusCode::kInvalidArgument, {"pids", "1 to 64"});
  ExpectRefused(AttachWith([](auto& request) { request.add_pids(request.pids(0)); }), StatusCode::kInvalidArgument, {"twice"});
  ExpectRefused(AttachWith([](auto& request) {
                  for (int i = 0; i < 64; ++i) request.add_pids(100'000 + i);
                }),
                StatusCode::kInvalidArgument, {"64"});
  // All or none: the one that exists is not left attached.
  ExpectRefused(AttachWith([](auto& request) { request.add_pids(4'194'305); }), StatusCode::kNotFound, {"4194305"});
  EXPECT_FALSE(daemon_.FindTarget(sleeper_.pid()));
}

TEST_F(BadInputTest, ThresholdsAndIntervalsOutOfTheirRange) {
  for (const int64_t threshold_ns : {int64_t{-1}, int64_t{1}, int64_t{999}, int64_t{60'000'000'001}, INT64_MAX, INT64_MIN}) {
    SCOPED_TRACE(threshold_ns);
    ExpectRefused(AttachWith([&](auto& request) { request.mutable_options()->set_spike_threshold_ns(threshold_ns); }),
                  StatusCode::kInvalidArgument, {"spike_threshold"});
  }
  for (const int64_t blocked_ns : {int64_t{-1}, int64_t{999}, int64_t{3'600'000'000'001}, INT64_MAX}) {
    ExpectRefused(AttachWith([&](auto& request) { request.mutable_options()->set_blocked_threshold_ns(blocked_ns); }),
                  StatusCode::kInvalidArgument, {"blocked_threshold"});
  }
  for (const int64_t interval_ns : {int64_t{-1}, int64_t{99'999}, int64_t{60'000'000'001}}) {
    ExpectRefused(AttachWith([&](auto& request) { request.mutable_options()->set_sampling_interval_ns(interval_ns); }),
                  StatusCode::kInvalidArgument, {"sampling_interval"});
  }
  // 0 is the daemon's default, not "everything".
  const auto attached = daemon_.Attach(sleeper_.pid(), 0);
  ASSERT_TRUE(attached.ok()) << attached.status();
  EXPECT_EQ(attached->targets(0).options().spike_threshold_ns(), 50'000);
  const CommandResult result = daemon_.Hftmon({"attach", std::to_string(sleeper_.pid()), "--threshold", "-5us"});
  EXPECT_EQ(result.exit_code, 3);
}

TEST_F(BadInputTest, ProbeGroupsThatThisHostOrReleaseDoesNotHave) {
  ExpectRefused(AttachWith([](auto& request) { request.mutable_options()->add_probe_groups("astrology"); }), StatusCode::kInvalidArgument,
                {"astrology", "sched"});
  const absl::Status cache = AttachWith([](auto& request) { request.mutable_options()->set_cache(true); });
  EXPECT_THAT(cache.code(), AnyOf(StatusCode::kFailedPrecondition, StatusCode::kOk));
  EXPECT_THAT(std::string(cache.message()), Not(::testing::IsEmpty()));
}

TEST_F(BadInputTest, WindowsInTheFutureOrBeforeTheBeginning) {
  ASSERT_TRUE(daemon_.Attach(sleeper_.pid()).ok());
  for (const int64_t window_ns : {int64_t{-1}, INT64_MIN, int64_t{7} * 86'400 * 1'000'000'000 + 1, INT64_MAX}) {
    SCOPED_TRACE(window_ns);
    v1::QueryContextSwitchesRequest switches;
    switches.set_window_ns(window_ns);
    ExpectRefused(daemon_.client().QueryContextSwitches(switches).status(), StatusCode::kInvalidArgument, {"window"});
    v1::DetectSpikesRequest spikes;
    spikes.set_window_ns(window_ns);
    ExpectRefused(daemon_.client().DetectSpikes(spikes).status(), StatusCode::kInvalidArgument, {"window"});
  }
  EXPECT_EQ(daemon_.Hftmon({"switches", "--window", "-10s"}).exit_code, 3);
  EXPECT_EQ(daemon_.Hftmon({"switches", "--window", "yesterday"}).exit_code, 3);
  // Longer than anything is kept: answered, and said.
  v1::QueryContextSwitchesRequest request;
  request.set_window_ns(int64_t{86'400} * 1'000'000'000);
  const auto answer = daemon_.client().QueryContextSwitches(request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(answer->window().truncated());
}

TEST_F(BadInputTest, PercentilesOutsideZeroToHundred) {
  for (const double percentile : {-1.0, 0.0, 100.0, 101.0, std::nan(""), HUGE_VAL}) {
    SCOPED_TRACE(percentile);
    v1::QueryContextSwitchesRequest request;
    request.add_percentiles(percentile);
    ExpectRefused(daemon_.client().QueryContextSwitches(request).status(), StatusCode::kInvalidArgument, {"percentile"});
  }
  v1::QueryContextSwitchesRequest many;
  for (int i = 0; i < 17; ++i) many.add_percentiles(50 + i);
  ExpectRefused(daemon_.client().QueryContextSwitches(many).status(), StatusCode::kInvalidArgument, {"percentile"});
  EXPECT_EQ(daemon_.Hftmon({"switches", "--percentiles", "50,101"}).exit_code, 3);
}

TEST_F(BadInputTest, QueriesForWhatIsNoTarget) {
  ExpectRefused(daemon_.Switches(1).status(), StatusCode::kNotFound, {"1", "attach"});
  ExpectRefused(daemon_.Spikes(1).status(), StatusCode::kNotFound, {"1", "attach"});
  ExpectRefused(daemon_.Detach(1), StatusCode::kNotFound, {"1"});
  v1::UpdateTargetRequest update;
  update.set_pid(1);
  update.set_state(v1::TARGET_STATE_PAUSED);
  ExpectRefused(daemon_.client().UpdateTarget(update).status(), StatusCode::kNotFound, {"1"});
  v1::WatchMetricsRequest metrics;
  metrics.add_metrics("voluntary_switch_cuont");
  auto stream = daemon_.client().WatchMetrics(metrics);
  v1::WatchMetricsResponse response;
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().code(), StatusCode::kInvalidArgument);
}

TEST_F(BadInputTest, ProcessesThatEndWhileTheyAreAttached) {
  int attached = 0;
  for (int round = 0; round < 200; ++round) {
    Subprocess brief({"true"});
    const absl::Status status = daemon_.Attach(brief.pid()).status();
    // Whoever came first, the answer is one of these two, and names the process.
    EXPECT_THAT(status.code(), AnyOf(StatusCode::kOk, StatusCode::kNotFound)) << status;
    if (status.ok()) {
      ++attached;
    } else {
      EXPECT_THAT(std::string(status.message()), HasSubstr(std::to_string(brief.pid())));
    }
    brief.Wait();
  }
  // None of them stays alive in the books.
  EXPECT_TRUE(Eventually([&] {
    const auto list = daemon_.client().ListTargets();
    return list.ok() && std::none_of(list->targets().begin(), list->targets().end(),
                                     [](const v1::Target& target) { return target.state() != v1::TARGET_STATE_ENDED; });
  })) << daemon_.client().ListTargets()->DebugString();
  RecordProperty("attached", attached);
}

// Refusals at start: a daemon that cannot do its work says why and ends, leaving nothing.
class RefusedStartTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = WhyNotPrivileged(); !why.empty()) GTEST_SKIP() << why;
    before_ = OrphanedBpfObjects();
  }
  void TearDown() override {
    if (IsSkipped()) return;
    ExpectNoNewOrphans(before_);
  }
  static void ExpectRefused(DaemonUnderTest& daemon, const std::vector<std::string>& words) {
    const absl::Status status = daemon.Start();
    ASSERT_FALSE(status.ok());
    EXPECT_NE(daemon.process().Wait().value_or(0), 0);
    for (const std::string& word : words) EXPECT_THAT(daemon.process().ErrorText(), HasSubstr(word));
  }
  std::set<std::string> before_;
};

TEST_F(RefusedStartTest, ASecondDaemonOnTheSameSocketLeavesTheFirstAlone) {
  DaemonUnderTest first;
  ASSERT_TRUE(first.Start().ok());
  DaemonUnderTest::Options options;
  options.socket = first.address().substr(std::string("unix:").size());
  {
    DaemonUnderTest second(options);
    ExpectRefused(second, {options.socket});
  }
  EXPECT_TRUE(first.client().GetStatus().ok());
  EXPECT_EQ(first.Hftmon({"status"}).exit_code, 0);
}

TEST_F(RefusedStartTest, ASocketLeftByACrashIsTakenOver) {
  DaemonUnderTest::Options options;
  DaemonUnderTest first;
  ASSERT_TRUE(first.Start().ok());
  options.socket = first.address().substr(std::string("unix:").size());
  first.Kill();
  ASSERT_EQ(access(options.socket.c_str(), F_OK), 0);
  DaemonUnderTest second(options);
  const absl::Status started = second.Start();
  ASSERT_TRUE(started.ok()) << started;
  EXPECT_EQ(second.Stop(), 0);
}

TEST_F(RefusedStartTest, NoPrivileges) {
  DaemonUnderTest::Options options;
  options.prefix = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"};
  DaemonUnderTest daemon(options);
  chown(daemon.folder().c_str(), 65534, 65534);
  ExpectRefused(daemon, {"CAP_"});
}

TEST_F(RefusedStartTest, NoBtf) {
  DaemonUnderTest::Options options;
  options.arguments = {"--btf-path", "/nonexistent/vmlinux"};
  DaemonUnderTest daemon(options);
  ExpectRefused(daemon, {"/nonexistent/vmlinux", "CONFIG_DEBUG_INFO_BTF"});
}

TEST_F(RefusedStartTest, BadOptionsAndFiles) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--targets-max", "0"}, "targets-max"},
      {{"--spike-threshold", "1ns"}, "spike-threshold"},
      {{"--spike-threshold", "fast"}, "spike-threshold"},
      {{"--cpu", "1000000"}, "1000000"},
      {{"--mode", "warp"}, "mode"},
      {{"--no-such-option"}, "no-such-option"},
      {{"--config", "/nonexistent/hftmond.conf"}, "/nonexistent/hftmond.conf"},
      {{"--listen", "192.0.2.1:50051"}, "192.0.2.1"},
      {{"--listen", "unix:/nonexistent/hftmond.sock"}, "/nonexistent"},
  };
  for (const auto& [arguments, word] : cases) {
    SCOPED_TRACE(arguments.back());
    DaemonUnderTest::Options options;
    options.arguments = arguments;
    DaemonUnderTest daemon(options);
    ExpectRefused(daemon, {word});
  }
}

TEST_F(RefusedStartTest, MoreTargetsThanTheLimit) {
  DaemonUnderTest::Options options;
  options.arguments = {"--targets-max", "2"};
  DaemonUnderTest daemon(options);
  ASSERT_TRUE(daemon.Start().ok());
  std::vector<std::unique_ptr<WorkloadRun>> runs;
  for (int i = 0; i < 3; ++i) runs.push_back(std::make_unique<WorkloadRun>("sleeper"));
  EXPECT_TRUE(daemon.Attach(runs[0]->pid()).ok());
  EXPECT_TRUE(daemon.Attach(runs[1]->pid()).ok());
  const absl::Status third = daemon.Attach(runs[2]->pid()).status();
  EXPECT_EQ(third.code(), StatusCode::kResourceExhausted) << third;
  EXPECT_THAT(std::string(third.message()), HasSubstr("limit of 2"));
  // Attaching one again takes no room, and detaching makes some.
  EXPECT_TRUE(daemon.Attach(runs[0]->pid()).ok());
  EXPECT_TRUE(daemon.Detach(runs[0]->pid()).ok());
  EXPECT_TRUE(daemon.Attach(runs[2]->pid()).ok());
}

}  // namespace
}  // namespace hftmon::testing
