// SIGHUP against a real daemon: good, changed, broken and missing files, under a running stream. Nothing is lost.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class ConfigReloadTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = WhyNotPrivileged(); !why.empty()) GTEST_SKIP() << why;
    Write("spike_threshold: \"50us\"\n");
    DaemonUnderTest::Options options;
    options.arguments = {"--config", file_.string()};
    daemon_ = std::make_unique<DaemonUnderTest>(options);
    ASSERT_TRUE(daemon_->Start().ok());
  }
  void TearDown() override {
    daemon_.reset();
    std::filesystem::remove(file_);
  }
  void Write(const std::string& text) const { std::ofstream(file_, std::ios::trunc) << text; }
  v1::ConfigStatus Config() const { return daemon_->client().GetStatus()->config(); }
  // SIGHUP, until the daemon says that it has read the file again.
  v1::ConfigStatus Reload() {
    const v1::ConfigStatus before = Config();
    daemon_->process().Signal(SIGHUP);
    v1::ConfigStatus after;
    EXPECT_TRUE(Eventually([&] {
      after = Config();
      return after.reload_count() + after.refused_count() > before.reload_count() + before.refused_count();
    }));
    return after;
  }
  // Ours by name: gRPC's come and go as it likes.
  std::set<std::string> ThreadsOfDaemon() const {
    std::set<std::string> tids;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(daemon_->pid()) + "/task")) {
      std::string comm;
      std::ifstream(entry.path() / "comm") >> comm;
      if (comm.starts_with("hftmon_")) tids.insert(entry.path().filename());
    }
    return tids;
  }
  int64_t LimitOf(const std::string& name) const {
    const auto status = daemon_->client().GetStatus();  // outlives the loop
    if (!status.ok()) return -2;
    for (const v1::Bound& bound : status->bounds()) {
      if (bound.name() == name) return bound.limit();
    }
    return -1;
  }

  const std::filesystem::path file_ = ::testing::TempDir() + "hftmon-reload." + std::to_string(getpid()) + ".conf";
  std::unique_ptr<DaemonUnderTest> daemon_;
};

TEST_F(ConfigReloadTest, WhatMayChangeIsInForceAndWhatNeedsARestartIsNamed) {
  WorkloadRun follows("sleeper");
  WorkloadRun asked("sleeper");
  ASSERT_TRUE(daemon_->Attach(follows.pid()).ok());
  ASSERT_TRUE(daemon_->Attach(asked.pid(), 30'000).ok());
  Write(
      "spike_threshold: \"80us\"\nsampling_interval: \"20ms\"\ntargets_max: 2\nspike_streams_max: 3\nmode: \"economy\"\nthreads_max: 99\n");
  const v1::ConfigStatus config = Reload();
  EXPECT_EQ(config.reload_count(), 1u);
  EXPECT_EQ(config.path(), file_.string());
  ASSERT_EQ(config.pending_size(), 1) << config.DebugString();
  EXPECT_EQ(config.pending(0).name(), "threads_max");
  EXPECT_EQ(config.pending(0).in_file(), "99");
  EXPECT_EQ(daemon_->FindTarget(follows.pid())->options().spike_threshold_ns(), 80'000) << "left to the default";
  EXPECT_EQ(daemon_->FindTarget(asked.pid())->options().spike_threshold_ns(), 30'000) << "asked for";
  // As achieved: the mean of the last buckets, which were narrower before.
  EXPECT_TRUE(Eventually([&] { return daemon_->FindTarget(follows.pid())->sampling_interval_ns() >= 19'000'000; }));
  EXPECT_EQ(daemon_->client().GetStatus()->loop().mode(), "economy");
  EXPECT_EQ(LimitOf("targets"), 2);
  EXPECT_EQ(LimitOf("spike_streams"), 3);
  EXPECT_NE(LimitOf("threads"), 99);
  WorkloadRun third("sleeper");
  const absl::Status refused = daemon_->Attach(third.pid()).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("raise targets_max (now 2)"));
  const CommandResult status = daemon_->Hftmon({"status"});
  EXPECT_THAT(status.output, HasSubstr("changed in the file, in force after a restart: threads_max (99, in force 16384)"));
  EXPECT_THAT(daemon_->process().ErrorText(), HasSubstr("in force after a restart: threads_max (99, in force 16384)"));
}

TEST_F(ConfigReloadTest, ABrokenOrMissingFileIsRefusedWholeAndSaidWithItsPlace) {
  Write("spike_threshold: \"80us\"\ntargets_max: 0\nmode: WARP\n");
  v1::ConfigStatus config = Reload();
  EXPECT_EQ(config.refused_count(), 1u);
  ASSERT_EQ(config.faults_size(), 2) << config.DebugString();
  EXPECT_THAT(config.faults(0), HasSubstr(file_.string() + ":2:1: targets_max is 0"));
  EXPECT_THAT(config.faults(1), HasSubstr(file_.string() + ":3:7: "));
  EXPECT_THAT(daemon_->Hftmon({"status"}).output, HasSubstr(file_.string() + ":2:1: targets_max is 0"));
  EXPECT_THAT(daemon_->process().ErrorText(), HasSubstr(file_.string() + ":2:1: targets_max is 0"));
  WorkloadRun sleeper("sleeper");
  ASSERT_TRUE(daemon_->Attach(sleeper.pid()).ok());
  EXPECT_EQ(daemon_->FindTarget(sleeper.pid())->options().spike_threshold_ns(), 50'000) << "no part of a broken file is taken";

  std::filesystem::remove(file_);
  config = Reload();
  EXPECT_EQ(config.refused_count(), 2u);
  EXPECT_THAT(config.faults(0), HasSubstr(file_.string() + ": cannot be read"));

  Write("spike_threshold: \"90us\"\n");
  config = Reload();
  EXPECT_EQ(config.faults_size(), 0);
  EXPECT_EQ(daemon_->FindTarget(sleeper.pid())->options().spike_threshold_ns(), 90'000);
}

TEST_F(ConfigReloadTest, WhatQuietHoursRefuseStandsInTheStatus) {
  v1::SetQuietRequest quiet;
  quiet.set_quiet(true);
  ASSERT_TRUE(daemon_->client().SetQuiet(quiet).ok());
  Write("targets_max: 7\n");
  v1::ConfigStatus config = Reload();
  EXPECT_EQ(config.refused_count(), 1u);
  ASSERT_EQ(config.faults_size(), 1);
  EXPECT_THAT(config.faults(0), HasSubstr("quiet"));
  EXPECT_NE(LimitOf("targets"), 7);
  quiet.set_quiet(false);
  ASSERT_TRUE(daemon_->client().SetQuiet(quiet).ok());
  config = Reload();
  EXPECT_EQ(config.faults_size(), 0);
  EXPECT_EQ(LimitOf("targets"), 7);
}

TEST_F(ConfigReloadTest, NothingIsLostUnderARunningStream) {
  WorkloadRun sleeper("sleeper", {"--cpu", std::to_string(daemon_->WorkloadCpu()), "--count", "300", "--duration-us", "3000"});
  ASSERT_TRUE(daemon_->Attach(sleeper.pid(), 0, 1'000'000).ok());
  v1::StreamSpikesRequest request;
  request.set_threshold_ns(20'000);
  request.set_blocked_threshold_ns(1'000'000);
  auto stream = daemon_->client().StreamSpikes(request);
  v1::StreamSpikesResponse message;
  ASSERT_TRUE(stream->Read(&message));
  std::set<uint64_t> ids;  // one in progress comes again at its end, after later ones perhaps
  uint64_t dropped = 0;
  std::thread reader([&] {
    while (stream->Read(&message)) {
      if (message.has_spike()) ids.insert(message.spike().id());
      dropped = message.dropped();
    }
  });
  const std::set<std::string> threads_before = ThreadsOfDaemon();
  sleeper.Say("go");
  uint64_t last_count = 0;
  const char* const files[] = {"spike_threshold: \"90us\"\n", "targets_max: 0\n", "spike_threshold: \"40us\"\nsampling_interval: \"5ms\"\n",
                               "{", "mode: \"balanced\"\n"};
  for (int round = 0; round < 20; ++round) {
    Write(files[round % std::size(files)]);
    Reload();
    const auto answer = daemon_->Switches(sleeper.pid());
    ASSERT_TRUE(answer.ok()) << answer.status();
    const v1::ThreadSwitches* thread = FindThread(*answer, sleeper.pid());
    if (thread == nullptr) continue;
    EXPECT_GE(thread->voluntary_total(), last_count);
    last_count = thread->voluntary_total();
  }
  ASSERT_TRUE(sleeper.Read().is_object());
  const auto spikes = daemon_->Spikes(sleeper.pid(), 20'000, 1'000'000);
  ASSERT_TRUE(spikes.ok()) << spikes.status();
  EXPECT_EQ(spikes->lost_records(), 0u);
  const uint64_t last_id = spikes->spikes_size() > 0 ? spikes->spikes(spikes->spikes_size() - 1).id() : 0;
  EXPECT_GT(spikes->spikes_size(), 100);
  EXPECT_FALSE(threads_before.empty());
  EXPECT_EQ(ThreadsOfDaemon(), threads_before);
  EXPECT_TRUE(daemon_->FindTarget(sleeper.pid()).has_value());
  stream->Cancel();
  reader.join();
  EXPECT_EQ(dropped, 0u);
  ASSERT_FALSE(ids.empty());
  EXPECT_EQ(ids.size(), *ids.rbegin() - *ids.begin() + 1) << "a spike is missing in the stream";
  EXPECT_GE(*ids.rbegin() + 1, last_id) << "the last of the queried spikes reached the stream";
}

}  // namespace
}  // namespace hftmon::testing
