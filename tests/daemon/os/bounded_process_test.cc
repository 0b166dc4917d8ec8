#include "daemon/os/bounded_process.h"

#include <gmock/gmock.h>

namespace hftmon {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

constexpr int64_t kPatienceNs = 60'000'000'000;

BoundedProcess Shell(const std::string& script) {
  return {.path = "/bin/sh", .arguments = {"-c", script}, .patience_ns = kPatienceNs, .output_bytes_max = 1'000};
}

TEST(BoundedProcessTest, WhatItWroteAndItsExitCodeAreTold) {
  const auto output = RunBounded(Shell("echo one; echo unseen >&2; read line; echo two$line; exit 7"));
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_EQ(output->text, "one\ntwo\n") << "its standard input is empty";
  EXPECT_EQ(output->exit_code, 7);
}

TEST(BoundedProcessTest, ItInheritsNoEnvironment) {
  ::setenv("HFTMON_BOUNDED", "seen", 1);
  const auto output = RunBounded(Shell("echo \"$HFTMON_BOUNDED\""));
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_EQ(output->text, "\n");
}

TEST(BoundedProcessTest, OneThatCannotBeStartedIsNamedWithTheCause) {
  const absl::Status status = RunBounded({.path = "/nonexistent/program", .patience_ns = kPatienceNs}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/nonexistent/program cannot be started: No such file"));
}

TEST(BoundedProcessTest, TimeSizeAndPatienceEndIt) {
  BoundedProcess slow = Shell("exec sleep 600");
  slow.patience_ns = 50'000'000;
  EXPECT_EQ(RunBounded(slow).status().code(), absl::StatusCode::kDeadlineExceeded);
  BoundedProcess given_up = Shell("exec sleep 600");
  given_up.given_up = [] { return true; };
  EXPECT_EQ(RunBounded(given_up).status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(RunBounded(Shell("while :; do echo too much; done")).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(RunBounded(Shell("kill -9 $$")).status().code(), absl::StatusCode::kAborted);
}

TEST(BoundedProcessTest, AnInstalledProgramLiesBesideTheRunningOne) {
  EXPECT_THAT(PathBesideOwn("hftmon-numa-probe"), EndsWith("/hftmon-numa-probe"));
  EXPECT_EQ(PathBesideOwn("x").front(), '/');
}

}  // namespace
}  // namespace hftmon
