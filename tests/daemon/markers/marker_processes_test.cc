#include "daemon/markers/marker_processes.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace hftmon {
namespace {

TEST(MarkerProcesses, TheEffectiveUserIsTheSecondOfFour) {
  EXPECT_EQ(ParseEffectiveUid("Name:\ta\\nUid:\t9\nUid:\t1000\t1001\t1002\t1003\nGid:\t7\t7\t7\t7\n"), 1001u);
  for (const char* status : {"", "Uid:\t1\t2\n", "Name:\tx\nUid:\t1\n", "Name:\tx\nUid:\t1\tx\n", "Name:\tx\nUid:\t1\t99999999999\n"}) {
    EXPECT_EQ(ParseEffectiveUid(status), std::nullopt) << status;
  }
}

TEST(MarkerProcesses, ANameOfParenthesesAndBlanksDoesNotMoveTheStartTime) {
  EXPECT_EQ(ParseStartTicks("7 (a) 1 2 (b)) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 1 1"), 987654u);
  EXPECT_EQ(ParseStartTicks("7 (a) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0"), std::nullopt);
  EXPECT_EQ(ParseStartTicks(""), std::nullopt);
}

TEST(MarkerProcesses, ThisProcessIsFoundAndOneThatCannotBeIsNot) {
  const ProcMarkerProcesses processes(FileRoot("/"));
  const absl::StatusOr<MarkerProcess> own = processes.Find(static_cast<uint32_t>(getpid()));
  ASSERT_TRUE(own.ok()) << own.status();
  EXPECT_EQ(own->uid, geteuid());
  EXPECT_GT(own->start_ticks, 0u);
  EXPECT_EQ(processes.Find(1u << 23).status().code(), absl::StatusCode::kNotFound);
}

TEST(MarkerProcesses, WhatTheKernelCannotTellIsNotTheSameAsNobody) {
  const std::filesystem::path root = std::filesystem::path(testing::TempDir()) / "marker_processes_test";
  std::filesystem::create_directories(root / "proc/7");
  std::ofstream(root / "proc/7/status") << "Name:\tx\n";
  std::ofstream(root / "proc/7/stat") << "7 (x)";
  std::filesystem::create_directories(root / "proc/8/status");  // opened, and not to be read
  const ProcMarkerProcesses processes{FileRoot(root.string())};
  EXPECT_EQ(processes.Find(7).status().code(), absl::StatusCode::kInternal) << processes.Find(7).status();
  EXPECT_FALSE(processes.Find(8).ok());
  EXPECT_FALSE(absl::IsNotFound(processes.Find(8).status())) << processes.Find(8).status();
  EXPECT_EQ(processes.Find(9).status().code(), absl::StatusCode::kNotFound);
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace hftmon
