// Memory measured from CPUs that are free for it, asked of the daemon. What the figures are depends on the host: asserted is that there are
// some, of which pairs, and from which CPU not.
//
// Measuring is least urgent, and on a busy host gets no time: the daemon is started with real-time scheduling, which its probe inherits.
#include <sched.h>

#include <algorithm>
#include <memory>

#include "client/cpp/errors.h"
#include "tests/privileged/numa_target.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using ::testing::HasSubstr;

std::vector<int> OwnCpus() {
  cpu_set_t own;
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof(own), &own) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &own)) cpus.push_back(cpu);
  }
  return cpus;
}

class NumaMeasureTest : public ::testing::Test {
 protected:
  // Before gRPC has threads: it forks.
  static void SetUpTestSuite() { target_ = std::make_unique<NumaTarget>(); }
  static void TearDownTestSuite() { target_.reset(); }
  void SetUp() override {
    if (const std::string why = WhyNotPrivileged(); !why.empty()) GTEST_SKIP() << why;
    const absl::Status started = daemon_.Start();
    ASSERT_TRUE(started.ok()) << started;
    v1::AttachRequest request;
    request.add_pids(target_->pid());
    const auto attached = daemon_.client().Attach(request);
    ASSERT_TRUE(attached.ok()) << attached.status();
  }
  static void BindTarget(int cpu) {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(cpu, &only);
    ASSERT_EQ(sched_setaffinity(target_->pid(), sizeof(only), &only), 0);
  }
  // Why a pair may have no value on a host that others use too.
  static bool IsOfTheHost(const std::string& reason) {
    return reason.find("free memory") != std::string::npos || reason.find("has no time for it") != std::string::npos ||
           reason.find("lay elsewhere") != std::string::npos;
  }

  DaemonUnderTest daemon_{{.prefix = {"chrt", "-f", "1"}}};
  static inline std::unique_ptr<NumaTarget> target_;
};

TEST_F(NumaMeasureTest, EachPairIsMeasuredFromACpuWithoutAWatchedThreadOrSaysWhyNot) {
  const std::vector<int> cpus = OwnCpus();
  int measured_count = 0;
  std::string host_reason;
  for (size_t i = 0; i < std::min<size_t>(cpus.size(), 2); ++i) {
    BindTarget(cpus[i]);
    const auto answer = daemon_.client().MeasureNuma();
    ASSERT_TRUE(answer.ok()) << answer.status();
    ASSERT_GE(answer->pairs_size(), 1);
    EXPECT_GT(answer->elapsed_ns(), 0);
    for (const v1::MeasuredPair& pair : answer->pairs()) {
      EXPECT_EQ(pair.has_load_ns(), pair.reason().empty()) << pair.DebugString();
      EXPECT_EQ(pair.has_load_ns(), pair.has_read_mb_s());
      EXPECT_GE(pair.buffer_bytes(), int64_t{64} << 20);
      EXPECT_LE(pair.buffer_bytes(), int64_t{256} << 20);
      if (pair.has_cpu()) {
        EXPECT_NE(pair.cpu(), cpus[i]) << "a watched thread is bound there";
      } else {
        EXPECT_THAT(pair.reason(), HasSubstr("is free for it"));
      }
      if (IsOfTheHost(pair.reason())) host_reason = pair.reason();
      if (!pair.has_load_ns()) continue;
      ++measured_count;
      EXPECT_GT(pair.load_ns(), 0);
      EXPECT_GT(pair.read_mb_s(), 0);
      EXPECT_GT(answer->bytes_moved(), static_cast<uint64_t>(pair.buffer_bytes()));
      std::printf("CPU %d, node %d: %.1f ns a load, %.0f MB/s, %s pages, in %lld ms\n", pair.cpu(), pair.memory_node(), pair.load_ns(),
                  pair.read_mb_s(), pair.huge_pages() ? "huge" : "small", static_cast<long long>(answer->elapsed_ns() / 1'000'000));
    }
  }
  if (measured_count == 0 && !host_reason.empty()) GTEST_SKIP() << host_reason;
  EXPECT_GT(measured_count, 0) << "of two bindings at least one leaves a CPU free";
}

TEST_F(NumaMeasureTest, PairsAreNodesWithCpusByNodesWithMemory) {
  const auto nodes = daemon_.client().QueryNuma();
  ASSERT_TRUE(nodes.ok()) << nodes.status();
  const auto answer = daemon_.client().MeasureNuma();
  ASSERT_TRUE(answer.ok()) << answer.status();
  const auto count = [&nodes](const auto& accept) { return std::count_if(nodes->nodes().begin(), nodes->nodes().end(), accept); };
  EXPECT_EQ(answer->pairs_size(), count([](const v1::NumaNode& node) { return node.cpus_size() > 0; }) *
                                      count([](const v1::NumaNode& node) { return node.has_memory(); }));
  const nlohmann::json told = daemon_.HftmonJson({"numa", "--measure"});
  EXPECT_EQ(told["pairs"].size(), static_cast<size_t>(answer->pairs_size()));
}

TEST_F(NumaMeasureTest, ItIsRefusedInQuietModeAndWhileOff) {
  v1::SetQuietRequest quiet;
  quiet.set_quiet(true);
  ASSERT_TRUE(daemon_.client().SetQuiet(quiet).ok());
  const auto in_quiet = daemon_.client().MeasureNuma();
  EXPECT_EQ(in_quiet.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(DetailsOf(in_quiet.status()).reason, "QUIET");
  quiet.set_quiet(false);
  ASSERT_TRUE(daemon_.client().SetQuiet(quiet).ok());
  ASSERT_EQ(daemon_.Hftmon({"off"}).exit_code, 0);
  EXPECT_EQ(DetailsOf(daemon_.client().MeasureNuma().status()).reason, "OFF");
}

}  // namespace
}  // namespace hftmon::testing
