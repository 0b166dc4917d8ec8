#include "daemon/pmu/event_attributes.h"

#include <gmock/gmock.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "tests/fakes/fake_perf_events.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr uint32_t kUncoreType = 13;

class EventAttributesTest : public ::testing::Test {
 protected:
  struct Opened {
    perf_event_attr attributes = {};
    pid_t tid = 0;
  };

  EventAttributesTest() { Make(FakePerfEvents::Host(4)); }
  void Make(const FakePerfEvents::Kernel& rules) {
    kernel_ = std::make_unique<FakePerfEvents>(rules);
    kernel_->BeforeOpen([this](const perf_event_attr& attributes, pid_t tid) { opened_ = {.attributes = attributes, .tid = tid}; });
  }
  absl::Status Try(const EventEncoding& encoding, const PerfEventRefusalFacts& facts = {}) {
    opened_.reset();
    absl::Status status = TryOpen(*kernel_, encoding, facts);
    EXPECT_EQ(kernel_->open_count(), 0u) << "nothing stays open";
    return status;
  }
  void ExpectRefused(const absl::Status& status, absl::StatusCode code, const std::string& reason, const std::string& mend) {
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr(reason), HasSubstr(mend)));
  }

  std::unique_ptr<FakePerfEvents> kernel_;
  std::optional<Opened> opened_;
};

TEST_F(EventAttributesTest, EveryFieldIsCarriedAndNothingElseIsSet) {
  const EventEncoding encoding{.type = 4,
                               .config = 0x1cd,
                               .config1 = 30,
                               .config2 = 7,
                               .precise_ip = 2,
                               .exclude_user = true,
                               .exclude_kernel = true,
                               .exclude_hypervisor = true};
  const perf_event_attr attributes = AttributesOf(encoding);
  perf_event_attr expected = {};
  expected.size = sizeof(expected);
  expected.type = 4;
  expected.config = 0x1cd;
  expected.config1 = 30;
  expected.config2 = 7;
  expected.precise_ip = 2;
  expected.exclude_user = 1;
  expected.exclude_kernel = 1;
  expected.exclude_hv = 1;
  EXPECT_EQ(std::memcmp(&attributes, &expected, sizeof(expected)), 0);
  // Each exclusion is its own.
  EXPECT_EQ(AttributesOf({.exclude_user = true}).exclude_kernel, 0u);
  EXPECT_EQ(AttributesOf({.exclude_kernel = true}).exclude_hv, 0u);
  EXPECT_EQ(AttributesOf({.exclude_hypervisor = true}).exclude_user, 0u);
}

TEST_F(EventAttributesTest, Config3IsCarriedOrRefusedNeverDropped) {
  const absl::Status status = Try({.type = PERF_TYPE_RAW, .config = 1, .config3 = 0x1234});
  if (!kHeadersHaveConfig3) {
    ExpectRefused(status, absl::StatusCode::kFailedPrecondition, "config3 is 0x1234", "Linux 6.3");
    EXPECT_FALSE(opened_) << "another event was tried";
    return;
  }
  EXPECT_TRUE(status.ok()) << status;
  ASSERT_TRUE(opened_);
  constexpr size_t kConfig3At = 128;
  uint64_t config3 = 0;
  std::memcpy(&config3, reinterpret_cast<const char*>(&opened_->attributes) + kConfig3At, sizeof(config3));
  EXPECT_EQ(config3, 0x1234u);
}

TEST_F(EventAttributesTest, AnEventIsTriedSwitchedOffOnThisThread) {
  EXPECT_TRUE(Try({.type = PERF_TYPE_RAW, .config = 0x1cd}).ok());
  ASSERT_TRUE(opened_);
  EXPECT_EQ(opened_->tid, 0);
  EXPECT_EQ(opened_->attributes.config, 0x1cdu);
  EXPECT_EQ(opened_->attributes.disabled, 1u);
  EXPECT_EQ(opened_->attributes.sample_period, 0u);
}

TEST_F(EventAttributesTest, APreciseEventIsTriedSampling) {
  EXPECT_TRUE(Try({.type = PERF_TYPE_RAW, .config = 0x1cd, .precise_ip = 3}).ok());
  ASSERT_TRUE(opened_);
  EXPECT_GT(opened_->attributes.sample_period, 0u);
  EXPECT_EQ(opened_->attributes.sample_period % 16, 0u) << "as IBS asks for";
}

TEST_F(EventAttributesTest, AnEventOfAPackageIsTriedOnTheFirstOfItsCpus) {
  Make({.cpus = {0, 1}, .pmus = {{.type = kUncoreType, .cpus = {1}, .core = false}}});
  EXPECT_TRUE(Try({.type = kUncoreType, .config = 4, .per_thread = false, .cpus = {1}}).ok());
  ASSERT_TRUE(opened_);
  EXPECT_EQ(opened_->tid, -1);
  ExpectRefused(Try({.type = kUncoreType, .config = 4, .per_thread = false}), absl::StatusCode::kFailedPrecondition, "counts on other CPUs",
                "cpumask");
  kernel_->Offline(1);
  ExpectRefused(Try({.type = kUncoreType, .config = 4, .per_thread = false, .cpus = {1}}), absl::StatusCode::kNotFound, "CPU 1 is offline",
                "cpu1/online");
}

TEST_F(EventAttributesTest, ARefusalHasReasonAndMendByWhatIsKnown) {
  ExpectRefused(Try({.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_MAX + 100}), absl::StatusCode::kFailedPrecondition,
                "this kernel has no software event", "choose another event");
  FakePerfEvents::Kernel strict = FakePerfEvents::Host(4);
  strict.perfmon = false;
  Make(strict);
  const EventEncoding cycles{.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_CPU_CYCLES};
  ExpectRefused(Try(cycles), absl::StatusCode::kPermissionDenied, "see perf_event_paranoid", "give hftmond CAP_PERFMON");
  ExpectRefused(Try(cycles, {.paranoid_level = 2}), absl::StatusCode::kPermissionDenied, "perf_event_paranoid is 2: without CAP_PERFMON",
                ":u");
  EventEncoding of_user = cycles;
  of_user.exclude_kernel = true;
  EXPECT_TRUE(Try(of_user).ok());
}

TEST_F(EventAttributesTest, AnInterruptedCallIsMadeAgain) {
  kernel_->FailOpens({EINTR, EAGAIN});
  EXPECT_TRUE(Try({.type = PERF_TYPE_RAW, .config = 1}).ok());
}

}  // namespace
}  // namespace hftmon
