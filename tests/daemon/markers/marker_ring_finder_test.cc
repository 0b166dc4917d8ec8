#include "daemon/markers/marker_ring_finder.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <fstream>

#include "tests/fakes/marker_directory.h"

namespace hftmon {
namespace {

class MarkerRingFinderTest : public testing::Test {
 protected:
  void SetUp() override {
    auto finder = MarkerRingFinder::Create(directory_.path());
    ASSERT_TRUE(finder.ok()) << finder.status();
    finder_ = std::move(*finder);
  }
  MarkerDirectory directory_;
  std::unique_ptr<MarkerRingFinder> finder_;
};

TEST_F(MarkerRingFinderTest, AMarkerIsToldOfOnceItIsCompleteAndOnceItIsGone) {
  EXPECT_TRUE(finder_->Poll().came.empty());
  hftmon_marker* const marker = directory_.Create();
  pollfd ready = {.fd = finder_->fd(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(poll(&ready, 1, 0), 1) << "the kernel told of it by the time that the program had it";
  MarkerRingFinder::Changes changes = finder_->Poll();
  EXPECT_EQ(changes.came, std::vector{OwnRingName()});
  EXPECT_TRUE(changes.gone.empty());
  hftmon_marker_close(marker);
  changes = finder_->Poll();
  EXPECT_TRUE(changes.came.empty());
  EXPECT_EQ(changes.gone, std::vector{OwnRingName()});
}

TEST_F(MarkerRingFinderTest, OtherNamesAreNothingToIt) {
  std::ofstream(directory_.path() + "/other") << "x";
  std::ofstream(directory_.path() + "/hftmon.x.0") << "x";
  const MarkerRingFinder::Changes changes = finder_->Poll();
  EXPECT_TRUE(changes.came.empty() && changes.gone.empty());
  const auto names = finder_->List();
  ASSERT_TRUE(names.ok());
  EXPECT_TRUE(names->empty());
}

TEST_F(MarkerRingFinderTest, WhatWasThereBeforeIsListedByPid) {
  for (const char* name : {"hftmon.8.1", "hftmon.7.0", "hftmon.8.0", "other"}) std::ofstream(directory_.path() + "/" + name) << "x";
  const auto all = finder_->List();
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(*all, (std::vector<MarkerRingName>{{7, 0}, {8, 0}, {8, 1}}));
  const auto eight = finder_->List(8);
  ASSERT_TRUE(eight.ok());
  EXPECT_EQ(*eight, (std::vector<MarkerRingName>{{8, 0}, {8, 1}}));
}

TEST_F(MarkerRingFinderTest, MoreEventsThanTheKernelKeepsAreMissedAndSaid) {
  std::ifstream limit_file("/proc/sys/fs/inotify/max_queued_events");
  size_t limit = 0;
  if (!(limit_file >> limit) || limit > 100'000) GTEST_SKIP() << "the kernel keeps " << limit << " events, too many to fill here";
  const std::string name = directory_.path() + "/hftmon.7.0";
  const std::string other = directory_.path() + "/hftmon.7.1";
  std::ofstream(name) << "x";
  // Alternating: the kernel merges two equal events in a row.
  for (size_t i = 0; i <= limit / 2 + 1; ++i) {
    std::filesystem::create_hard_link(name, other);
    std::filesystem::remove(other);
  }
  bool missed = false;
  size_t came = 0;
  for (pollfd ready = {.fd = finder_->fd(), .events = POLLIN, .revents = 0}; poll(&ready, 1, 0) == 1;) {
    const MarkerRingFinder::Changes changes = finder_->Poll();
    missed |= changes.missed;
    came += changes.came.size();
  }
  EXPECT_TRUE(missed);
  EXPECT_LE(came, limit);
  EXPECT_GT(came, 0u);
}

TEST(MarkerRingFinder, ADirectoryThatIsNotThereIsAnError) {
  EXPECT_EQ(MarkerRingFinder::Create("/nowhere").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace hftmon
