// Sampling of memory accesses on request: by a real daemon, which on a host without PMU gives the reason; and what answers by hardware
// breakpoints of writes, which tell every write of a word with thread, CPU, code and address, though neither latency nor who had the line.
#include <gmock/gmock.h>
#include <linux/hw_breakpoint.h>

#include <atomic>
#include <cstdio>
#include <ctime>

#include "absl/synchronization/notification.h"
#include "client/cpp/errors.h"
#include "daemon/host_access_sampling.h"
#include "daemon/os/thread_ids.h"
#include "tests/privileged/privileged_test.h"
#include "tests/workloads/scheduling.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kWritesEach = 2'000;
constexpr int64_t kLongNs = 60'000'000'000;

SampledEvent WritesOf(const json& writer) {
  SampledEvent event{.name = "writes of " + std::to_string(writer["address"].get<uint64_t>())};
  event.attributes.type = PERF_TYPE_BREAKPOINT;
  event.attributes.bp_type = HW_BREAKPOINT_W;
  event.attributes.bp_addr = writer["address"].get<uint64_t>();
  event.attributes.bp_len = HW_BREAKPOINT_LEN_8;
  event.attributes.sample_period = 1;
  event.attributes.sample_type =
      PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR | PERF_SAMPLE_CPU | PERF_SAMPLE_DATA_SRC;
  event.attributes.exclude_kernel = 1;
  event.attributes.use_clockid = 1;
  event.attributes.clockid = CLOCK_MONOTONIC;
  return event;
}

class MonotonicNow : public MonotonicClock {
 public:
  int64_t NowNs() const override { return workload::NowNs(); }
};

class BreakpointSamplingTest : public ::testing::Test {
 protected:
  // Samples two threads that write words so far apart, as often as kWritesEach says, and not before it is switched on. An error: the reason
  // to skip.
  absl::StatusOr<AccessSamples> SampleWriters(WorkloadRun& run) {
    HostAccessSampling::Parts parts;
    parts.calls = &calls_;
    parts.memory = &memory_;
    parts.clock = &clock_;
    parts.threads = [](pid_t pid) { return ReadThreadIds(FileRoot(), pid); };
    parts.facts = [] { return PerfEventRefusalFacts{}; };
    parts.events = [&run](const PerfEventRefusalFacts&, const MemorySamplingWish&) -> absl::StatusOr<std::vector<SampledEvent>> {
      return std::vector{WritesOf(run.about()["first"]), WritesOf(run.about()["second"])};
    };
    parts.mappings = [](uint32_t pid) { return ProcMaps::Read(FileRoot(), static_cast<pid_t>(pid)); };
    parts.admit = [] { return absl::OkStatus(); };
    // Asked when all is open, and then with all of it on.
    parts.look_at = [this](uint32_t, int64_t) {
      if (asked_.fetch_add(1, std::memory_order_seq_cst) == 1) on_.Notify();
      return written_.load(std::memory_order_seq_cst) ? SampledProcess::kEnded : SampledProcess::kRuns;
    };
    parts.node_of_cpu = [] { return std::vector<std::optional<uint32_t>>(); };
    parts.line_bytes = [] { return 64u; };
    HostAccessSampling sampling(std::move(parts));
    auto begun = sampling.Begin({.pid = static_cast<uint32_t>(run.pid()), .duration_ns = kLongNs, .period = 1, .lines_max = 20});
    if (!begun.ok()) return begun.status();
    const AccessSamplingRun& sampled = **begun;
    EXPECT_TRUE(Eventually([&] { return on_.HasBeenNotified() || sampled.Result() != nullptr; }));
    if (sampled.Result() != nullptr) return *sampled.Result();
    EXPECT_EQ(run.Act().value("writes_each", int64_t{0}), kWritesEach);
    written_.store(true, std::memory_order_seq_cst);
    EXPECT_TRUE(Eventually([&] { return sampled.Result() != nullptr; }));
    return sampled.Result() == nullptr ? absl::DeadlineExceededError("it did not end") : *sampled.Result();
  }
  // Told, and lost because a ring was full, are all that were written.
  static void ExpectAllCounted(const AccessSamples& samples) {
    const MemorySamplerCounts& counts = samples.counts.samples;
    std::printf("%llu writes told and %llu lost of %lld, by %zu threads; %lld us of CPU\n",
                static_cast<unsigned long long>(counts.access_count), static_cast<unsigned long long>(counts.ring.lost_count),
                static_cast<long long>(2 * kWritesEach), samples.counts.thread_count,
                static_cast<long long>(samples.daemon_cpu_ns / 1'000));
    EXPECT_EQ(counts.access_count + counts.ring.lost_count, 2u * kWritesEach);
    EXPECT_EQ(samples.counts.thread_count, 3u);
    EXPECT_EQ(samples.counts.event_count, 6u);
    EXPECT_EQ(counts.undecoded_count, 0u);
    EXPECT_EQ(samples.table.total.stores, counts.access_count);
    EXPECT_EQ(samples.loads.loads, 0u);
    // Nobody told who had the line: nothing may be called contended.
    EXPECT_EQ(samples.counts.told_count, 0u);
    EXPECT_THAT(samples.table.lines, IsEmpty());
  }
  static bool IsRefused(const absl::Status& status) { return absl::IsPermissionDenied(status) || absl::IsFailedPrecondition(status); }

  SystemPerfEventCalls calls_;
  SystemPerfRingMemory memory_;
  MonotonicNow clock_;
  std::atomic<int> asked_{0};
  absl::Notification on_;
  std::atomic<bool> written_{false};
};

TEST_F(BreakpointSamplingTest, TwoWordsOfOneLineAreToldWithBothOffsetsThreadsAndEveryWrite) {
  WorkloadRun run("line_writers", {"--apart", "8", "--writes", std::to_string(kWritesEach)});
  ASSERT_TRUE(run.about().is_object());
  const auto samples = SampleWriters(run);
  if (IsRefused(samples.status())) GTEST_SKIP() << samples.status().message();
  ASSERT_TRUE(samples.ok()) << samples.status();
  ExpectAllCounted(*samples);
  const json& first = run.about()["first"];
  const json& second = run.about()["second"];
  ASSERT_EQ(samples->table.shared_line_count, 1u);
  const ContendedLine& line = samples->table.shared_lines[0];
  EXPECT_EQ(line.address, first["address"].get<uint64_t>());
  EXPECT_EQ(line.sharing.verdict, SharingVerdict::kFalse) << "if it is contended";
  EXPECT_FALSE(line.estimated_cycles.has_value());
  ASSERT_EQ(line.offsets.size(), 2u);
  EXPECT_EQ(line.offsets[0].offset, 0u);
  EXPECT_EQ(line.offsets[1].offset, 8u);
  EXPECT_THAT(line.offsets[0].writer_tids, ElementsAre(first["tid"].get<uint32_t>()));
  EXPECT_THAT(line.offsets[1].writer_tids, ElementsAre(second["tid"].get<uint32_t>()));
  if (samples->counts.samples.ring.lost_count == 0) {
    EXPECT_EQ(line.offsets[0].counts.stores, static_cast<uint64_t>(kWritesEach));
    EXPECT_EQ(line.offsets[1].counts.stores, static_cast<uint64_t>(kWritesEach));
  }
  ASSERT_EQ(line.sites.size(), 2u) << "each thread writes in one place of its code";
  const LinePlaces& places = samples->shared_places[0];
  ASSERT_TRUE(places.data.has_value());
  for (const auto& code : places.code) {
    ASSERT_TRUE(code.has_value());
    EXPECT_THAT(code->mapping, HasSubstr("line_writers"));
  }
  EXPECT_EQ(run.End(), 0);
}

TEST_F(BreakpointSamplingTest, APaddedVariantSharesNoLine) {
  WorkloadRun run("line_writers", {"--apart", "64", "--writes", std::to_string(kWritesEach)});
  ASSERT_TRUE(run.about().is_object());
  const auto samples = SampleWriters(run);
  if (IsRefused(samples.status())) GTEST_SKIP() << samples.status().message();
  ASSERT_TRUE(samples.ok()) << samples.status();
  ExpectAllCounted(*samples);
  EXPECT_EQ(samples->table.shared_line_count, 0u);
  EXPECT_EQ(samples->table.uncontended_lines, 2u);
  EXPECT_EQ(run.End(), 0);
}

class SharingTest : public PrivilegedTest {
 protected:
  void SetUp() override {
    PrivilegedTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    ASSERT_TRUE(run_.about().is_object());
    v1::AttachRequest request;
    request.add_pids(run_.pid());
    const auto attached = daemon_.client().Attach(request);
    ASSERT_TRUE(attached.ok()) << attached.status();
  }
  absl::StatusOr<v1::SampleAccessesResponse> Sample(int32_t pid) const {
    v1::SampleAccessesRequest request;
    request.set_pid(pid);
    request.set_duration_ns(50'000'000);
    return daemon_.client().SampleAccesses(request);
  }
  static std::string ReasonOf(const absl::Status& status) { return DetailsOf(status).reason; }

  WorkloadRun run_{"line_writers"};
};

TEST_F(SharingTest, AHostWithoutAPmuGivesTheReasonThatDoctorGives) {
  const auto answer = Sample(run_.pid());
  if (answer.ok()) {
    std::printf("this host samples: %llu samples by %s\n", static_cast<unsigned long long>(answer->coverage().sample_count()),
                answer->events(0).c_str());
    EXPECT_GE(answer->coverage().thread_count(), 3u);
    EXPECT_EQ(answer->end(), v1::ACCESS_SAMPLING_END_DURATION);
    return;
  }
  std::printf("%s\n", std::string(answer.status().message()).c_str());
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(answer.status()), "NO_ACCESS_SAMPLING");
  const auto capabilities = daemon_.client().GetCapabilities();
  ASSERT_TRUE(capabilities.ok());
  for (const v1::Capability& capability : capabilities->capabilities()) {
    if ((capability.name() != "hardware_pmu" && capability.name() != "sharing") || capability.available()) continue;
    EXPECT_THAT(std::string(answer.status().message()), HasSubstr(capability.reason()));
    EXPECT_THAT(std::string(answer.status().message()), HasSubstr(capability.mend()));
  }
  // The next one may begin at once.
  EXPECT_EQ(ReasonOf(Sample(run_.pid()).status()), "NO_ACCESS_SAMPLING");
}

TEST_F(SharingTest, QuietModeAndOffRefuseItAndSoDoesWhatIsNoTarget) {
  EXPECT_EQ(ReasonOf(Sample(getpid()).status()), "NOT_A_TARGET");
  v1::SetQuietRequest quiet;
  quiet.set_quiet(true);
  ASSERT_TRUE(daemon_.client().SetQuiet(quiet).ok());
  EXPECT_EQ(ReasonOf(Sample(run_.pid()).status()), "QUIET");
  quiet.set_quiet(false);
  ASSERT_TRUE(daemon_.client().SetQuiet(quiet).ok());
  v1::SetCollectingRequest collecting;
  collecting.set_on(false);
  ASSERT_TRUE(daemon_.client().SetCollecting(collecting).ok());
  EXPECT_EQ(ReasonOf(Sample(run_.pid()).status()), "OFF");
  collecting.set_on(true);
  ASSERT_TRUE(daemon_.client().SetCollecting(collecting).ok());
}

TEST_F(SharingTest, AProcessThatEndedIsNotSampled) {
  const pid_t pid = run_.pid();
  run_.Act();
  EXPECT_EQ(run_.End(), 0);
  EXPECT_TRUE(Eventually([&] { return ReasonOf(Sample(pid).status()) == "ENDED"; }));
}

}  // namespace
}  // namespace hftmon::testing
