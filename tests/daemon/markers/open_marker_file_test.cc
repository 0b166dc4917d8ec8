#include "daemon/markers/open_marker_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <string>

#include "tests/fakes/marker_directory.h"

namespace hftmon {
namespace {

using testing::HasSubstr;

class OpenMarkerFileTest : public testing::Test {
 protected:
  ~OpenMarkerFileTest() override { hftmon_marker_close(marker_); }

  absl::Status Open(const MarkerRingName& name = OwnRingName()) {
    const auto opened = OpenMarkerFileOf(directory_.path(), name, process_);
    if (opened.ok()) close(opened->fd);
    return opened.status();
  }
  std::string path(uint32_t number = 0) const { return directory_.path() + "/" + OwnRingName(number).FileName(); }
  // Writes a number over one of the header's.
  template <typename Number>
  void Spoil(size_t offset, Number value) {
    const int fd = open(path().c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_EQ(pwrite(fd, &value, sizeof(value), static_cast<off_t>(offset)), static_cast<ssize_t>(sizeof(value)));
    close(fd);
  }

  MarkerDirectory directory_;
  MarkerProcess process_ = OwnMarkerProcess();
  hftmon_marker* marker_ = directory_.Create();
};

TEST_F(OpenMarkerFileTest, AProgramsFileIsOpenedWithItsHeader) {
  const auto opened = OpenMarkerFileOf(directory_.path(), OwnRingName(), process_);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->header.pid, static_cast<uint32_t>(getpid()));
  EXPECT_EQ(opened->header.thread_max, 4u);
  EXPECT_EQ(opened->header.record_max, 256u);
  EXPECT_EQ(opened->header.operation_max, 16u);
  EXPECT_EQ(opened->header.start_ticks, process_.start_ticks);
  EXPECT_GT(opened->header.created_tsc, 0u);
  close(opened->fd);
}

TEST_F(OpenMarkerFileTest, ThereIsOneReaderAtATime) {
  const auto first = OpenMarkerFileOf(directory_.path(), OwnRingName(), process_);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(Open().code(), absl::StatusCode::kFailedPrecondition);
  close(first->fd);
  EXPECT_TRUE(Open().ok());
}

TEST_F(OpenMarkerFileTest, TheProgramIsSeenToHaveItAndThenNot) {
  const auto opened = OpenMarkerFileOf(directory_.path(), OwnRingName(), process_);
  ASSERT_TRUE(opened.ok());
  EXPECT_TRUE(MarkerFileHasOwner(opened->fd));
  hftmon_marker_close(std::exchange(marker_, nullptr));
  EXPECT_FALSE(MarkerFileHasOwner(opened->fd));
  close(opened->fd);
}

TEST_F(OpenMarkerFileTest, WhatIsNoFileOfTheProcessesIsRefusedAndNothingIsWaitedFor) {
  EXPECT_EQ(Open(OwnRingName(9)).code(), absl::StatusCode::kNotFound);
  ASSERT_EQ(mkfifo(path(1).c_str(), 0600), 0);
  EXPECT_THAT(Open(OwnRingName(1)).message(), HasSubstr("no regular file"));
  ASSERT_EQ(symlink(path().c_str(), path(2).c_str()), 0);
  EXPECT_THAT(Open(OwnRingName(2)).message(), HasSubstr("no regular file"));
  ASSERT_EQ(mkdir(path(3).c_str(), 0600), 0);
  EXPECT_FALSE(Open(OwnRingName(3)).ok());
  process_.uid += 1;
  EXPECT_THAT(Open().message(), HasSubstr("belongs to user"));
  process_.uid -= 1;
  process_.start_ticks += 1;
  EXPECT_THAT(Open().message(), HasSubstr("earlier process"));
}

TEST_F(OpenMarkerFileTest, AFileThatOthersMayTouchIsRefused) {
  for (const mode_t mode : {0666u, 0640u, 0604u, 0400u, 0700u}) {
    ASSERT_EQ(chmod(path().c_str(), mode), 0);
    EXPECT_THAT(Open().message(), HasSubstr("has mode")) << mode;
  }
  ASSERT_EQ(chmod(path().c_str(), 0600), 0);
  ASSERT_EQ(link(path().c_str(), path(1).c_str()), 0);
  EXPECT_THAT(Open().message(), HasSubstr("2 names"));
  ASSERT_EQ(unlink(path(1).c_str()), 0);
  EXPECT_TRUE(Open().ok());
}

TEST_F(OpenMarkerFileTest, AnotherNameIsRefused) {
  ASSERT_EQ(rename(path().c_str(), path(1).c_str()), 0);
  EXPECT_THAT(Open(OwnRingName(1)).message(), HasSubstr("says that it is"));
}

TEST_F(OpenMarkerFileTest, ASizeThatIsNotTheHeadersIsRefused) {
  const auto bytes = static_cast<off_t>(hft_marker_file_bytes(16, 4, 256));
  for (const off_t size : {off_t{0}, off_t{1}, off_t{4096}, bytes - 1, bytes + 1, bytes * 2}) {
    ASSERT_EQ(truncate(path().c_str(), size), 0);
    EXPECT_FALSE(Open().ok()) << size;
  }
}

TEST_F(OpenMarkerFileTest, EachFieldOfTheHeaderIsHeldAgainstItsLimits) {
  const auto spoilt = [this](size_t offset, auto value) {
    Spoil(offset, value);
    const absl::Status status = Open();
    return status;
  };
  EXPECT_THAT(spoilt(offsetof(hft_marker_header, counter), uint32_t{77}).message(), HasSubstr("counter"));
  EXPECT_THAT(spoilt(offsetof(hft_marker_header, file_bytes), uint64_t{4096}).message(), HasSubstr("its header makes it"));
  EXPECT_THAT(spoilt(offsetof(hft_marker_header, thread_max), uint32_t{5}).message(), HasSubstr("its header makes it"));
  EXPECT_THAT(spoilt(offsetof(hft_marker_header, record_max), uint32_t{0xffffffff}).message(), HasSubstr("beyond the limits"));
  EXPECT_EQ(spoilt(offsetof(hft_marker_header, version), uint32_t{2}).code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(spoilt(offsetof(hft_marker_header, magic), uint64_t{0}).message(), HasSubstr("does not begin"));
}

TEST_F(OpenMarkerFileTest, AFileOnADiskIsRefused) {
  const std::string disk = testing::TempDir() + "/" + OwnRingName().FileName();
  const int fd = open(disk.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(ftruncate(fd, 1 << 20), 0);
  close(fd);
  const absl::Status status = OpenMarkerFileOf(testing::TempDir(), OwnRingName(), process_).status();
  unlink(disk.c_str());
  if (status.message().find("does not begin") != std::string_view::npos) GTEST_SKIP() << testing::TempDir() << " is a tmpfs too";
  EXPECT_THAT(status.message(), HasSubstr("not on a tmpfs"));
}

}  // namespace
}  // namespace hftmon
