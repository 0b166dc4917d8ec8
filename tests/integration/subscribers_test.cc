// Several clients at the same time: each stream has its own threshold, targets and end.
#include <algorithm>
#include <set>
#include <thread>

#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

// Reads a stream of spikes on a thread of its own until it is stopped.
class Subscriber {
 public:
  Subscriber(const DaemonUnderTest& daemon, int64_t threshold_ns, std::vector<pid_t> pids = {}) {
    absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(daemon.address());
    if (!client.ok()) return;
    client_ = *std::move(client);
    v1::StreamSpikesRequest request;
    request.set_threshold_ns(threshold_ns);
    for (const pid_t pid : pids) request.add_pids(pid);
    stream_ = client_->StreamSpikes(request);
    // The first message says that the subscription is in force.
    v1::StreamSpikesResponse first;
    in_force_ = stream_->Read(&first) && !first.has_spike();
    reader_ = std::thread([this] {
      v1::StreamSpikesResponse message;
      while (stream_->Read(&message)) {
        std::lock_guard lock(mutex_);
        if (message.has_spike() && message.spike().in_progress()) going_on_.insert(message.spike().id());
        if (message.has_spike() && !message.spike().in_progress()) spikes_.push_back(message.spike());
        dropped_ = message.dropped();
      }
      ended_.store(true, std::memory_order_release);  // pairs with the acquire in ended()
    });
  }
  ~Subscriber() {
    if (!reader_.joinable()) return;
    stream_->Cancel();
    reader_.join();
  }
  // At their ends.
  std::vector<v1::Spike> Spikes() const {
    std::lock_guard lock(mutex_);
    return spikes_;
  }
  // Ids of those that were told before their end.
  std::set<uint64_t> GoingOn() const {
    std::lock_guard lock(mutex_);
    return going_on_;
  }
  uint64_t dropped() const {
    std::lock_guard lock(mutex_);
    return dropped_;
  }
  bool in_force() const { return in_force_; }
  bool ended() const { return ended_.load(std::memory_order_acquire); }
  absl::Status Finish() {
    reader_.join();
    return stream_->Finish();
  }

 private:
  std::unique_ptr<Client> client_;
  std::unique_ptr<SpikeStream> stream_;
  std::thread reader_;
  mutable std::mutex mutex_;
  std::vector<v1::Spike> spikes_;
  std::set<uint64_t> going_on_;
  uint64_t dropped_ = 0;
  bool in_force_ = false;
  std::atomic<bool> ended_{false};
};

class SubscribersTest : public PrivilegedTest {};

// Preemptions of the victim's whole run by the actor: starting and ending, the actor also takes some microseconds.
int CountPreemptions(const std::vector<v1::Spike>& spikes, pid_t victim, pid_t actor) {
  return static_cast<int>(std::count_if(spikes.begin(), spikes.end(), [&](const auto& spike) {
    return spike.thread().tid() == victim && spike.duration_ns() > 1'000'000 && spike.causes_size() > 0 &&
           spike.causes(0).actor().tid() == actor;
  }));
}

TEST_F(SubscribersTest, EachGetsExactlyTheSpikesAboveItsOwnThreshold) {
  WorkloadRun run("preempted_spinner", {"--cpu", CpuArgument(), "--count", "40", "--period-us", "10000", "--shield"});
  ASSERT_TRUE(run.about().is_object());
  if (run.about()["refused"] != "") GTEST_SKIP() << run.about()["refused"];
  WorkloadRun stranger("sleeper");
  ASSERT_TRUE(daemon_.Attach(run.pid()).ok());
  ASSERT_TRUE(daemon_.Attach(stranger.pid()).ok());
  constexpr int64_t kThresholds[] = {20'000, 500'000, 1'000'000'000};
  Subscriber low(daemon_, kThresholds[0]);
  Subscriber middle(daemon_, kThresholds[1]);
  Subscriber high(daemon_, kThresholds[2]);
  Subscriber elsewhere(daemon_, kThresholds[0], {stranger.pid()});
  for (const Subscriber* subscriber : {&low, &middle, &high, &elsewhere}) ASSERT_TRUE(subscriber->in_force());
  const nlohmann::json truth = run.Act();
  ASSERT_TRUE(truth.is_object());
  const pid_t bully = truth["fifo_tid"];
  const pid_t spinner = truth["spinner_tid"];
  EXPECT_TRUE(Eventually([&] { return CountPreemptions(low.Spikes(), spinner, bully) == 40; }))
      << CountPreemptions(low.Spikes(), spinner, bully);
  EXPECT_TRUE(Eventually([&] { return CountPreemptions(middle.Spikes(), spinner, bully) == 40; }))
      << CountPreemptions(middle.Spikes(), spinner, bully);
  EXPECT_EQ(CountPreemptions(high.Spikes(), spinner, bully), 0);
  for (const v1::Spike& spike : middle.Spikes()) EXPECT_GE(spike.duration_ns(), kThresholds[1]);
  for (const v1::Spike& spike : elsewhere.Spikes()) EXPECT_EQ(spike.target_pid(), stranger.pid());
  std::set<uint64_t> ended;
  for (const v1::Spike& spike : low.Spikes()) {
    ExpectExactBudget(spike);
    // But a stretch of interrupts that went on after it was said to be over: it is told again, longer.
    EXPECT_TRUE(ended.insert(spike.id()).second || spike.kind() == "interrupted") << "a spike ends once";
  }
  // The preemptions last for 2 ms, a hundred times the lowest threshold: they are told while they go on, with the ids of their ends.
  const std::set<uint64_t> going_on = low.GoingOn();
  EXPECT_FALSE(going_on.empty());
  // One may have begun at the very end of the run.
  EXPECT_TRUE(Eventually([&] {
    for (const v1::Spike& spike : low.Spikes()) ended.insert(spike.id());
    return std::includes(ended.begin(), ended.end(), going_on.begin(), going_on.end());
  })) << "an end was not told";
  EXPECT_EQ(low.dropped() + middle.dropped(), 0u);
  // What was streamed is what a query answers.
  const auto queried = daemon_.Spikes(run.pid(), kThresholds[1]);
  ASSERT_TRUE(queried.ok()) << queried.status();
  EXPECT_EQ(queried->spikes_size(), static_cast<int>(middle.Spikes().size()));
}

TEST_F(SubscribersTest, ASubscribersThresholdEndsWithItsStream) {
  WorkloadRun sleeper("sleeper");
  ASSERT_TRUE(daemon_.Attach(sleeper.pid(), 1'000'000'000).ok());
  {
    Subscriber low(daemon_, 20'000);
    ASSERT_TRUE(low.in_force());
    EXPECT_EQ(daemon_.Spikes(sleeper.pid(), 20'000)->incomplete(), true) << "the window began before the subscription";
  }
  v1::DetectSpikesRequest request;
  request.add_pids(sleeper.pid());
  request.set_threshold_ns(20'000);
  request.set_window_ns(1'000'000);
  EXPECT_TRUE(Eventually([&] {
    const auto answer = daemon_.client().DetectSpikes(request);
    return answer.ok() && answer->floor_ns() == 1'000'000'000;
  }));
}

TEST_F(SubscribersTest, StreamsEndWithTheDaemonAndSayWhy) {
  Subscriber subscriber(daemon_, 20'000);
  ASSERT_TRUE(subscriber.in_force());
  EXPECT_EQ(daemon_.Stop(), 0) << daemon_.process().ErrorText();
  const absl::Status end = subscriber.Finish();
  EXPECT_THAT(end.code(), ::testing::AnyOf(absl::StatusCode::kUnavailable, absl::StatusCode::kOk, absl::StatusCode::kCancelled)) << end;
  EXPECT_TRUE(subscriber.ended());
}

TEST_F(SubscribersTest, WatchMetricsSnapshotsAddUpToTheKernelsCounts) {
  WorkloadRun game("ping_pong", {"--cpu", CpuArgument()});
  ASSERT_TRUE(WaitUntilBlocked(game.pid()));
  const auto count = [&] {
    uint64_t sum = 0;
    for (const auto& thread : workload::ReadProcessCounts(game.pid())) sum += thread.voluntary_count + thread.involuntary_count;
    return sum;
  };
  const uint64_t before = count();
  ASSERT_TRUE(daemon_.Attach(game.pid()).ok());
  v1::WatchMetricsRequest request;
  request.add_pids(game.pid());
  request.add_metrics("context_switches_voluntary_count");
  request.add_metrics("context_switches_involuntary_count");
  request.set_period_ns(50'000'000);
  auto stream = daemon_.client().WatchMetrics(request);
  double sum = 0;
  int snapshots = 0;
  int64_t last_end_ns = 0;
  uint64_t expected = 0;
  v1::WatchMetricsResponse snapshot;
  while (snapshots < 400 && stream->Read(&snapshot)) {
    EXPECT_EQ(snapshot.dropped(), 0u);
    if (last_end_ns != 0) {
      EXPECT_EQ(snapshot.window().begin_monotonic_ns(), last_end_ns) << "no gap and no overlap";
    }
    last_end_ns = snapshot.window().end_monotonic_ns();
    for (const v1::MetricSample& sample : snapshot.samples()) {
      EXPECT_EQ(sample.pid(), game.pid());
      EXPECT_EQ(sample.tid(), 0);
      sum += sample.value();
    }
    if (++snapshots == 2) {
      ASSERT_TRUE(game.Act("20000").is_object());
      ASSERT_TRUE(WaitUntilBlocked(game.pid()));
      expected = count() - before;
    }
    if (expected > 0 && sum >= static_cast<double>(expected)) break;
  }
  EXPECT_EQ(sum, static_cast<double>(expected)) << "after " << snapshots << " snapshots";
}

}  // namespace
}  // namespace hftmon::testing
