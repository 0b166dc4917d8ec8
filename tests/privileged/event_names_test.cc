// Names of events against this kernel: what it has of its own opens, and what the processor does not give has its reason.
#include "daemon/pmu/event_names.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "daemon/pmu/host_event_names.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// On this thread, disabled; 0 or errno.
int OpenErrno(const EventEncoding& encoding) {
  perf_event_attr attributes = {};
  attributes.size = sizeof(attributes);
  attributes.type = encoding.type;
  attributes.config = encoding.config;
  attributes.config1 = encoding.config1;
  attributes.config2 = encoding.config2;
  attributes.disabled = 1;
  attributes.exclude_user = encoding.exclude_user;
  attributes.exclude_kernel = encoding.exclude_kernel;
  attributes.exclude_hv = encoding.exclude_hypervisor;
  const long fd = syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
  if (fd < 0) return errno;
  ::close(static_cast<int>(fd));
  return 0;
}

absl::Status Open(const EventEncoding& encoding) {
  const int error = OpenErrno(encoding);
  return error == 0 ? absl::OkStatus() : absl::ErrnoToStatus(error, fmt::format("perf_event_open: {}", std::strerror(error)));
}

class EventNamesKernelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const int error = OpenErrno({.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_DUMMY});
    if (error == EACCES || error == EPERM || error == ENOSYS) GTEST_SKIP() << "perf_event_open is refused here: " << std::strerror(error);
    ASSERT_EQ(error, 0) << std::strerror(error);
  }
  const std::unique_ptr<EventNames> names_ = ReadHostEventNames(FileRoot(), Open);
};

TEST_F(EventNamesKernelTest, TheKernelsOwnEventsOpen) {
  for (const char* name :
       {"cpu-clock", "task-clock", "page-faults", "minor-faults", "major-faults", "context-switches", "cpu-migrations", "alignment-faults",
        "emulation-faults", "dummy", "software/page-faults/", "page-faults:u", "PERF_COUNT_SW_CONTEXT_SWITCHES"}) {
    const auto encoding = names_->Encode(name);
    ASSERT_TRUE(encoding.ok()) << encoding.status();
    EXPECT_EQ(encoding->pmu, "software") << name;
    EXPECT_TRUE(names_->Validate(*encoding).ok()) << names_->Validate(*encoding);
  }
}

TEST_F(EventNamesKernelTest, CyclesOpenOrHaveTheReason) {
  const auto encodings = names_->EncodeAll("cycles");
  if (names_->pmus().Cores().empty()) {
    EXPECT_TRUE(absl::IsFailedPrecondition(encodings.status())) << encodings.status();
    EXPECT_THAT(std::string(encodings.status().message()), AllOf(HasSubstr("'cycles'"), HasSubstr("run on the bare machine")));
    EXPECT_NE(OpenErrno({.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_CPU_CYCLES}), 0)
        << "the kernel counts them, and sysfs has no PMU";
    return;
  }
  ASSERT_TRUE(encodings.ok()) << encodings.status();
  for (const EventEncoding& encoding : *encodings) EXPECT_TRUE(names_->Validate(encoding).ok()) << names_->Validate(encoding);
}

TEST_F(EventNamesKernelTest, WhatTheKernelRefusesNamesTheEvent) {
  const EventEncoding beyond{.name = "beyond", .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_MAX + 100};
  const absl::Status status = names_->Validate(beyond);
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr("event 'beyond': perf_event_open: "));
}

}  // namespace
}  // namespace hftmon
