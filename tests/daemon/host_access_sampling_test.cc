#include "daemon/host_access_sampling.h"

#include <gmock/gmock.h>

#include <chrono>
#include <thread>

#include "absl/synchronization/notification.h"
#include "daemon/service/rich_error.h"
#include "tests/common/perf/perf_data_writer.h"
#include "tests/fakes/fake_sampling_events.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint32_t kPid = 500;
constexpr int64_t kStartNs = 77;
constexpr uint64_t kLine = 0x500040;
constexpr uint64_t kFields =
    PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_ADDR | PERF_SAMPLE_CPU | PERF_SAMPLE_WEIGHT | PERF_SAMPLE_DATA_SRC;
constexpr uint64_t kStoreToL1 = 0x144, kHitmOfL3 = 0x68800842;
constexpr char kMaps[] =
    "400000-402000 r-xp 00000000 fd:00 11 /opt/engine\n"
    "500000-501000 rw-p 00000000 00:00 0 [heap]\n";

std::string ReasonOf(const absl::Status& status) {
  return std::string(status.GetPayload(kErrorReasonPayload).value_or(absl::Cord()));
}

class SteadyClock : public MonotonicClock {
 public:
  int64_t NowNs() const override { return std::chrono::steady_clock::now().time_since_epoch().count(); }
};

// The kernel is one sampling's thread's: the test reads of it before it begins and after it is over.
class HostAccessSamplingTest : public ::testing::Test {
 protected:
  HostAccessSamplingTest() { kernel_.threads = {500, 501}; }

  HostAccessSampling::Parts Parts() {
    HostAccessSampling::Parts parts;
    parts.calls = &kernel_;
    parts.memory = &kernel_;
    parts.clock = &clock_;
    parts.threads = [this](pid_t) { return kernel_.List(); };
    parts.facts = [] { return PerfEventRefusalFacts{}; };
    parts.events = [this](const PerfEventRefusalFacts&, const MemorySamplingWish& wish) {
      wish_ = wish;
      if (!no_events_.ok()) return absl::StatusOr<std::vector<SampledEvent>>(no_events_);
      SampledEvent event{.name = "loads"};
      event.attributes.type = PERF_TYPE_RAW;
      event.attributes.sample_period = wish.period;
      event.attributes.sample_type = kFields;
      return absl::StatusOr<std::vector<SampledEvent>>(std::vector{event});
    };
    // Asked for when everything is open, just before it is switched on.
    parts.mappings = [this](uint32_t) -> absl::StatusOr<ProcMaps> {
      if (on_mappings_) on_mappings_();
      if (!no_mappings_.ok()) return no_mappings_;
      return ProcMaps::Parse(kMaps);
    };
    parts.admit = [this] { return refused_.load(std::memory_order_seq_cst) ? Quiet() : absl::OkStatus(); };
    parts.look_at = [this](uint32_t pid, int64_t start_ns) {
      if (on_runs_) on_runs_();
      return pid == kPid && start_ns == kStartNs ? process_.load(std::memory_order_seq_cst) : SampledProcess::kEnded;
    };
    parts.node_of_cpu = [] { return std::vector<std::optional<uint32_t>>{0, 1}; };
    parts.line_bytes = [] { return 64u; };
    return parts;
  }
  static absl::Status Quiet() {
    absl::Status quiet = absl::FailedPreconditionError("refused in quiet mode");
    quiet.SetPayload(kErrorReasonPayload, absl::Cord("QUIET"));
    return quiet;
  }
  static AccessSamplingPlan Plan(int64_t duration_ns = 1'000'000) {
    return {
        .pid = kPid, .start_boottime_ns = kStartNs, .duration_ns = duration_ns, .load_latency_cycles = 30, .period = 100, .lines_max = 20};
  }
  static constexpr int64_t kLongNs = 60'000'000'000;

  // Waits until it is over; only a failing test waits a minute.
  static absl::StatusOr<AccessSamples> ResultOf(const AccessSamplingRun& run) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (run.Result() == nullptr && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
    return run.Result() == nullptr ? absl::DeadlineExceededError("not over") : *run.Result();
  }
  void Write(pid_t tid, uint64_t address, uint64_t data_source, uint64_t latency_cycles = 0) {
    const WrittenSample sample{.ip = 0x400000 + static_cast<uint64_t>(tid),
                               .address = address,
                               .pid = kPid,
                               .tid = static_cast<uint32_t>(tid),
                               .cpu = static_cast<uint32_t>(tid % 2),
                               .weight = latency_cycles,
                               .data_source = data_source};
    EXPECT_TRUE(kernel_.Write(tid, 0, RecordBytes(PerfRecordType::kSample, 2, SampleBody(PlainAttr(kFields), sample))));
  }
  // Called each time somebody asks whether the process runs: first when all is open, then with the events on, at last when the time is
  // over.
  void WriteOnceOn() {
    on_runs_ = [this, written = false]() mutable {
      const bool on = !kernel_.events().empty() && kernel_.events().begin()->second.on;
      if (!on || std::exchange(written, true)) return;
      for (int i = 0; i < 5; ++i) {
        Write(500, kLine, kStoreToL1);
        Write(501, kLine + 8, kStoreToL1);
        Write(501, kLine + 8, kHitmOfL3, 300);
      }
    };
  }

  FakeSamplingEvents kernel_;
  SteadyClock clock_;
  MemorySamplingWish wish_;
  absl::Status no_events_;
  absl::Status no_mappings_;
  std::function<void()> on_mappings_;
  std::function<void()> on_runs_;
  std::atomic<bool> refused_{false};
  std::atomic<SampledProcess> process_{SampledProcess::kRuns};
};

TEST_F(HostAccessSamplingTest, WhatIsSampledIsToldWithPlacesNodesAndCost) {
  WriteOnceOn();
  HostAccessSampling sampling(Parts());
  auto run = sampling.Begin(Plan());
  ASSERT_TRUE(run.ok()) << run.status();
  const auto samples = ResultOf(**run);
  ASSERT_TRUE(samples.ok()) << samples.status();
  EXPECT_EQ(wish_.period, 100u);
  EXPECT_EQ(wish_.load_latency_cycles, 30u);
  EXPECT_THAT(samples->events, ElementsAre("loads"));
  EXPECT_EQ(samples->end, AccessSamplingEnd::kDuration);
  EXPECT_GE(samples->end_mono_ns - samples->begin_mono_ns, 1'000'000);
  EXPECT_EQ(samples->counts.samples.access_count, 15u);
  EXPECT_EQ(samples->counts.event_count, 2u);
  EXPECT_EQ(samples->loads.loads, 5u);
  EXPECT_GT(samples->daemon_cpu_ns, 0);
  ASSERT_EQ(samples->table.lines.size(), 1u);
  const ContendedLine& line = samples->table.lines[0];
  EXPECT_EQ(line.address, kLine);
  EXPECT_EQ(line.sharing.verdict, SharingVerdict::kFalse);
  EXPECT_THAT(line.nodes, ElementsAre(0u, 1u));
  ASSERT_EQ(samples->places.size(), 1u);
  EXPECT_EQ(samples->places[0].data->mapping, "[heap]");
  ASSERT_EQ(samples->places[0].code.size(), line.sites.size());
  EXPECT_EQ(samples->places[0].code[0]->mapping, "/opt/engine");
  EXPECT_THAT(samples->places_unavailable, IsEmpty());
}

TEST_F(HostAccessSamplingTest, WhatCameToItsEndIsNotedBeforeItIsToldAndWhatWasCancelledIsNot) {
  WriteOnceOn();
  std::atomic<int> noted{0};
  std::atomic<uint64_t> line{0};
  HostAccessSampling::Parts parts = Parts();
  parts.note = [&](const AccessSamplingPlan& plan, const AccessSamples& samples) {
    EXPECT_EQ(plan.pid, Plan().pid);
    if (!samples.table.lines.empty()) line.store(samples.table.lines[0].address, std::memory_order_seq_cst);
    noted.fetch_add(1, std::memory_order_seq_cst);
  };
  HostAccessSampling sampling(std::move(parts));
  auto run = sampling.Begin(Plan());
  ASSERT_TRUE(run.ok()) << run.status();
  ASSERT_TRUE(ResultOf(**run).ok());
  EXPECT_EQ(noted.load(std::memory_order_seq_cst), 1);
  EXPECT_EQ(line.load(std::memory_order_seq_cst), kLine);
  run->reset();
  auto cancelled = sampling.Begin(Plan(kLongNs));
  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  (*cancelled)->Cancel();
  EXPECT_FALSE(ResultOf(**cancelled).ok());
  EXPECT_EQ(noted.load(std::memory_order_seq_cst), 1);
}

TEST_F(HostAccessSamplingTest, MappingsThatCannotBeReadAreAReasonAndNotAnError) {
  no_mappings_ = absl::PermissionDeniedError("not this one");
  WriteOnceOn();
  HostAccessSampling sampling(Parts());
  auto run = sampling.Begin(Plan());
  ASSERT_TRUE(run.ok()) << run.status();
  const auto samples = ResultOf(**run);
  ASSERT_TRUE(samples.ok()) << samples.status();
  EXPECT_EQ(samples->table.lines.size(), 1u);
  EXPECT_FALSE(samples->places[0].data.has_value());
  EXPECT_THAT(samples->places_unavailable, HasSubstr("not this one"));
}

TEST_F(HostAccessSamplingTest, AHostThatSamplesNothingGivesTheReason) {
  no_events_ = absl::FailedPreconditionError("no PMU in this guest");
  HostAccessSampling sampling(Parts());
  auto run = sampling.Begin(Plan());
  ASSERT_TRUE(run.ok()) << run.status();
  const absl::Status status = ResultOf(**run).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_EQ(ReasonOf(status), "NO_ACCESS_SAMPLING");
  EXPECT_THAT(std::string(status.message()), HasSubstr("no PMU in this guest"));
}

TEST_F(HostAccessSamplingTest, OneIsSampledByOneAndFourAtOnce) {
  HostAccessSampling sampling(Parts());
  // The others fail at once, and keep their places as long as they are there.
  no_events_ = absl::FailedPreconditionError("none");
  std::vector<std::unique_ptr<AccessSamplingRun>> runs;
  for (uint32_t pid = 1; pid <= HostAccessSampling::kRunsMax; ++pid) {
    AccessSamplingPlan plan = Plan();
    plan.pid = pid;
    auto run = sampling.Begin(plan);
    ASSERT_TRUE(run.ok()) << run.status();
    EXPECT_FALSE(ResultOf(**run).ok());
    runs.push_back(*std::move(run));
    const absl::Status again = sampling.Begin(plan).status();
    EXPECT_TRUE(absl::IsResourceExhausted(again));
    EXPECT_EQ(ReasonOf(again), "SAMPLING");
    EXPECT_THAT(std::string(again.message()), HasSubstr("sampled already"));
  }
  EXPECT_THAT(std::string(sampling.Begin(Plan()).status().message()), HasSubstr("4 processes are sampled"));
  EXPECT_EQ(sampling.run_count(), HostAccessSampling::kRunsMax);
  runs.pop_back();
  EXPECT_EQ(sampling.run_count(), HostAccessSampling::kRunsMax - 1);
  EXPECT_TRUE(sampling.Begin(Plan()).ok());
}

TEST_F(HostAccessSamplingTest, QuietModeRefusesItAndEndsOneThatGoesOn) {
  HostAccessSampling sampling(Parts());
  refused_.store(true, std::memory_order_seq_cst);
  EXPECT_EQ(ReasonOf(sampling.Begin(Plan()).status()), "QUIET");
  refused_.store(false, std::memory_order_seq_cst);
  auto run = sampling.Begin(Plan(kLongNs));
  ASSERT_TRUE(run.ok()) << run.status();
  refused_.store(true, std::memory_order_seq_cst);
  EXPECT_EQ(ReasonOf(ResultOf(**run).status()), "QUIET");
}

TEST_F(HostAccessSamplingTest, WhoCancelsNeedNotWaitForTheEnd) {
  absl::Notification opened;
  on_mappings_ = [&opened] {
    if (!opened.HasBeenNotified()) opened.Notify();
  };
  HostAccessSampling sampling(Parts());
  auto run = sampling.Begin(Plan(kLongNs));
  ASSERT_TRUE(run.ok()) << run.status();
  opened.WaitForNotification();
  (*run)->Cancel();
  EXPECT_TRUE(absl::IsCancelled(ResultOf(**run).status()));
  run->reset();
  EXPECT_TRUE(kernel_.events().empty()) << "nothing is left open";
  auto destroyed = sampling.Begin(Plan(kLongNs));
  ASSERT_TRUE(destroyed.ok());
}

TEST_F(HostAccessSamplingTest, AProcessThatEndsEndsItWithWhatWasSampled) {
  on_mappings_ = [this] { process_.store(SampledProcess::kEnded, std::memory_order_seq_cst); };  // after it was opened
  HostAccessSampling sampling(Parts());
  auto run = sampling.Begin(Plan(kLongNs));
  ASSERT_TRUE(run.ok()) << run.status();
  const auto samples = ResultOf(**run);
  ASSERT_TRUE(samples.ok()) << samples.status();
  EXPECT_EQ(samples->end, AccessSamplingEnd::kProcessEnded);
  EXPECT_LT(samples->end_mono_ns - samples->begin_mono_ns, kLongNs);
}

TEST_F(HostAccessSamplingTest, AProcessThatIsDetachedIsNotToldAsEnded) {
  on_mappings_ = [this] { process_.store(SampledProcess::kNotTarget, std::memory_order_seq_cst); };  // after it was opened
  HostAccessSampling sampling(Parts());
  for (const char* when : {"meanwhile", "before it began"}) {
    auto run = sampling.Begin(Plan(kLongNs));
    ASSERT_TRUE(run.ok()) << run.status();
    const absl::Status status = ResultOf(**run).status();
    EXPECT_TRUE(absl::IsNotFound(status)) << when;
    EXPECT_EQ(ReasonOf(status), "NOT_A_TARGET") << when;
  }
}

TEST_F(HostAccessSamplingTest, QuietModeWhileItOpensSwitchesNothingOn) {
  on_mappings_ = [this] { refused_.store(true, std::memory_order_seq_cst); };
  bool was_on = false;
  on_runs_ = [this, &was_on] {
    for (const auto& [descriptor, event] : kernel_.events()) was_on |= event.on;
  };
  HostAccessSampling sampling(Parts());
  auto run = sampling.Begin(Plan(kLongNs));
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(ReasonOf(ResultOf(**run).status()), "QUIET");
  run->reset();
  EXPECT_FALSE(was_on);
}

TEST_F(HostAccessSamplingTest, AnotherProcessOfThatNumberIsNotSampled) {
  HostAccessSampling sampling(Parts());
  AccessSamplingPlan plan = Plan();
  plan.start_boottime_ns = kStartNs - 1;
  auto run = sampling.Begin(plan);
  ASSERT_TRUE(run.ok()) << run.status();
  const absl::Status status = ResultOf(**run).status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(ReasonOf(status), "ENDED");
}

}  // namespace
}  // namespace hftmon
