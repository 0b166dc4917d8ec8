// Names of events against this kernel: what it has of its own opens, and what the processor does not give has its reason.
#include "daemon/pmu/event_names.h"

#include <gmock/gmock.h>
#include <linux/perf_event.h>

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "daemon/os/perf_event_calls.h"
#include "daemon/pmu/event_attributes.h"
#include "daemon/pmu/host_event_names.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class EventNamesKernelTest : public ::testing::Test {
 protected:
  absl::Status Open(const EventEncoding& encoding) { return TryOpen(calls_, encoding, {}); }
  void SetUp() override {
    const absl::Status dummy = Open({.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_DUMMY});
    if (absl::IsPermissionDenied(dummy) || absl::StrContains(dummy.message(), "this kernel counts no events"))
      GTEST_SKIP() << "perf_event_open is refused here: " << dummy.message();
    ASSERT_TRUE(dummy.ok()) << dummy;
  }

  SystemPerfEventCalls calls_;
  const std::unique_ptr<EventNames> names_ =
      ReadHostEventNames(FileRoot(), [this](const EventEncoding& encoding) { return Open(encoding); });
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
    EXPECT_NE(TryCycleCounter(calls_), 0) << "the kernel counts them, and sysfs has no PMU";
    return;
  }
  ASSERT_TRUE(encodings.ok()) << encodings.status();
  for (const EventEncoding& encoding : *encodings) EXPECT_TRUE(names_->Validate(encoding).ok()) << names_->Validate(encoding);
}

TEST_F(EventNamesKernelTest, WhatTheKernelRefusesNamesTheEvent) {
  const EventEncoding beyond{.name = "beyond", .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_MAX + 100};
  const absl::Status status = names_->Validate(beyond);
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("event 'beyond': this kernel has no software event "), HasSubstr("choose another")));
}

}  // namespace
}  // namespace hftmon
