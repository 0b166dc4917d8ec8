#include "daemon/control/target_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const TargetDefaults kDefaults;

absl::Status Validate(const TargetOptions& options) {
  return ValidateTargetOptions(options, kDefaults);
}

TEST(TargetOptionsTest, ZeroMeansTheDefaultAndIsAccepted) {
  EXPECT_TRUE(Validate({}).ok());
  const TargetOptions resolved = ResolveTargetOptions({}, kDefaults);
  EXPECT_EQ(resolved.spike_threshold_ns, 50'000);
  EXPECT_EQ(resolved.sampling_interval_ns, 10'000'000);
  EXPECT_EQ(resolved.blocked_threshold_ns, 0);
  EXPECT_EQ(resolved.probe_groups, std::vector<std::string>{"sched"});
}

TEST(TargetOptionsTest, GroupsAreNamedOnceAndTheSchedulersIsAlwaysAmongThem) {
  const std::vector<std::string> both = {"sched", "locks"};
  EXPECT_EQ(ResolveTargetOptions({.probe_groups = {"locks", "locks"}}, kDefaults).probe_groups, both);
  EXPECT_EQ(ResolveTargetOptions({.probe_groups = {"locks", "sched"}}, kDefaults).probe_groups, both);
  EXPECT_EQ(
      UniteTargetOptions(ResolveTargetOptions({}, kDefaults), ResolveTargetOptions({.probe_groups = {"locks"}}, kDefaults)).probe_groups,
      both);
}

TEST(TargetOptionsTest, BoundsThemselvesAreAccepted) {
  EXPECT_TRUE(Validate({.spike_threshold_ns = 1'000, .blocked_threshold_ns = 1'000, .sampling_interval_ns = 100'000}).ok());
  EXPECT_TRUE(
      Validate({.spike_threshold_ns = 60'000'000'000, .blocked_threshold_ns = 3'600'000'000'000, .sampling_interval_ns = 60'000'000'000})
          .ok());
}

TEST(TargetOptionsTest, ValuesBeyondTheBoundsNameFieldValueAndRange) {
  for (const int64_t bad_ns : {int64_t{-1}, int64_t{999}, int64_t{60'000'000'001}, INT64_MAX, INT64_MIN}) {
    const absl::Status status = Validate({.spike_threshold_ns = bad_ns});
    EXPECT_TRUE(absl::IsInvalidArgument(status));
    EXPECT_THAT(status.message(), HasSubstr(std::to_string(bad_ns)));
    EXPECT_THAT(status.message(), HasSubstr("1000 (1 us) to 60000000000 (60 s), or 0 for the default of 50 us"));
  }
  for (const int64_t bad_ns : {int64_t{-1}, int64_t{999}, int64_t{3'600'000'000'001}}) {
    EXPECT_THAT(Validate({.blocked_threshold_ns = bad_ns}).message(), HasSubstr("blocked_threshold_ns is"));
  }
  for (const int64_t bad_ns : {int64_t{-1}, int64_t{99'999}, int64_t{60'000'000'001}}) {
    EXPECT_THAT(Validate({.sampling_interval_ns = bad_ns}).message(), HasSubstr("sampling_interval_ns is"));
  }
}

TEST(TargetOptionsTest, OnlyTheGroupsThatThereAreAreAccepted) {
  EXPECT_TRUE(Validate({.probe_groups = {"sched"}}).ok());
  EXPECT_TRUE(Validate({.probe_groups = {"locks", "sched", "locks"}}).ok());
  EXPECT_TRUE(Validate({.probe_groups = {"irq", "returns"}}).ok());
  const absl::Status later = Validate({.probe_groups = {"sched", "numa"}});
  EXPECT_TRUE(absl::IsFailedPrecondition(later));
  EXPECT_THAT(later.message(), AllOf(HasSubstr("hftmon numa tells of every target"), HasSubstr("available: sched")));
  const absl::Status unknown = Validate({.probe_groups = {"shced"}});
  EXPECT_TRUE(absl::IsInvalidArgument(unknown));
  EXPECT_THAT(unknown.message(), HasSubstr("\"shced\" does not exist"));
}

TEST(TargetOptionsTest, CacheIsNoGroupAndTheMessageSaysHowItIsAskedFor) {
  const absl::Status status = Validate({.probe_groups = {"sched", "cache"}});
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(status.message(), AllOf(HasSubstr("--cache (TargetOptions.cache)"), HasSubstr("--counters")));
  EXPECT_THAT(status.message(), Not(HasSubstr("release")));
  EXPECT_TRUE(Validate({.probe_groups = {"sched"}, .cache = true}).ok());
}

TEST(TargetOptionsTest, HostileGroupNamesAreShortenedAndEscapedInTheMessage) {
  const absl::Status status = Validate({.probe_groups = {std::string(100'000, '\x01')}});
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_LT(status.message().size(), 400u);
  EXPECT_EQ(status.message().find('\x01'), absl::string_view::npos);
  EXPECT_TRUE(absl::IsInvalidArgument(Validate({.probe_groups = std::vector<std::string>(17, "sched")})));
}

TEST(TargetOptionsTest, NumaIsRefusedWithReasonAndMend) {
  const absl::Status status = Validate({.numa = true});
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(status.message(), HasSubstr("hftmon numa (QueryNuma) tells"));
  EXPECT_THAT(status.message(), HasSubstr("attach without it"));
}

TEST(TargetOptionsTest, CountersAreBoundedInNumberNameAndInterval) {
  EXPECT_TRUE(Validate({.cache = true}).ok());
  EXPECT_TRUE(Validate({.counter_events = {"page-faults"}, .counter_interval_ns = 1'000}).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(Validate({.counter_events = {"page-faults"}, .counter_interval_ns = 999})));
  EXPECT_TRUE(absl::IsInvalidArgument(Validate({.cache = true, .counter_interval_ns = 1'000'000'001})));
  const absl::Status nothing = Validate({.counter_interval_ns = 5'000});
  EXPECT_TRUE(absl::IsInvalidArgument(nothing));
  EXPECT_THAT(nothing.message(), AllOf(HasSubstr("nothing is to be counted"), HasSubstr("(--counter-interval)"), HasSubstr("(--cache)")));
  EXPECT_TRUE(absl::IsInvalidArgument(Validate({.counter_events = {""}})));
  EXPECT_TRUE(absl::IsInvalidArgument(Validate({.counter_events = {std::string(257, 'x')}})));
  EXPECT_TRUE(absl::IsResourceExhausted(Validate({.counter_events = std::vector<std::string>(9, "page-faults")})));
}

TEST(TargetOptionsTest, CountersOfTwoAreTheUnionOfTheirEventsAtTheShorterInterval) {
  const TargetOptions one = ResolveTargetOptions({.counter_events = {"a", "b", "a"}, .counter_interval_ns = 9'000}, {});
  EXPECT_THAT(one.counter_events, ElementsAre("a", "b"));
  const TargetOptions other = ResolveTargetOptions({.cache = true, .counter_events = {"b", "c"}}, {});
  EXPECT_EQ(other.counter_interval_ns, 1'000'000) << "the default";
  const TargetOptions neither = ResolveTargetOptions({}, {});
  EXPECT_EQ(neither.counter_interval_ns, 0);
  const TargetOptions all = UniteTargetOptions(UniteTargetOptions(neither, one), other);
  EXPECT_THAT(all.counter_events, ElementsAre("a", "b", "c"));
  EXPECT_TRUE(all.cache);
  EXPECT_EQ(all.counter_interval_ns, 9'000);
  EXPECT_FALSE(Counts(neither));
  EXPECT_TRUE(Counts(all));
}

TEST(TargetOptionsTest, UnionTakesTheLowerThresholdsAndIntervalAndFollowsWhenOneDoes) {
  const TargetOptions one{
      .spike_threshold_ns = 20'000, .blocked_threshold_ns = 0, .sampling_interval_ns = 10'000'000, .follow_children = false};
  const TargetOptions other{
      .spike_threshold_ns = 50'000, .blocked_threshold_ns = 9'000, .sampling_interval_ns = 1'000'000, .follow_children = true};
  for (const TargetOptions& both : {UniteTargetOptions(one, other), UniteTargetOptions(other, one)}) {
    EXPECT_EQ(both.spike_threshold_ns, 20'000);
    EXPECT_EQ(both.blocked_threshold_ns, 9'000);
    EXPECT_EQ(both.sampling_interval_ns, 1'000'000);
    EXPECT_TRUE(both.follow_children);
  }
  EXPECT_TRUE(UniteTargetOptions({.waker = true}, {}).waker);
  EXPECT_TRUE(UniteTargetOptions({}, {.waker = true}).waker);
  EXPECT_FALSE(UniteTargetOptions({}, {}).waker);
  EXPECT_EQ(UniteTargetOptions({.blocked_threshold_ns = 5'000}, {.blocked_threshold_ns = 9'000}).blocked_threshold_ns, 5'000);
}

TEST(TargetOptionsTest, UpdateToEndedIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(ValidateTargetUpdate({.state = TargetState::kEnded}, kDefaults)));
  EXPECT_TRUE(ValidateTargetUpdate({.state = TargetState::kPaused}, kDefaults).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(ValidateTargetUpdate({.blocked_threshold_ns = 1}, kDefaults)));
}

}  // namespace
}  // namespace hftmon
