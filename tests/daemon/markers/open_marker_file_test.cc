#include "daemon/markers/open_marker_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <string>
#include <thread>

#include "daemon/markers/marker_ring_file.h"
#include "tests/fakes/marker_directory.h"
#include "tests/fakes/stuck_writer.h"

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

TEST_F(OpenMarkerFileTest, AnyNumberMayReadAndNoneMayWrite) {
  const auto first = OpenMarkerFileOf(directory_.path(), OwnRingName(), process_);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(fcntl(first->fd, F_GETFL) & O_ACCMODE, O_RDONLY);
  const auto second = OpenMarkerFileOf(directory_.path(), OwnRingName(), process_);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(first->identity, second->identity);
  close(first->fd);
  close(second->fd);
}

// What systemd/hftmond.service leaves the daemon with.
TEST_F(OpenMarkerFileTest, AnotherUsersFileTakesNoMoreThanTheRightToReadAll) {
  if (geteuid() != 0) GTEST_SKIP() << "another user's file takes root to make";
  ASSERT_EQ(chmod(directory_.path().c_str(), 0777), 0);
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    if (setresuid(65'534, 65'534, 65'534) != 0 || directory_.Create() == nullptr || write(ready[1], "r", 1) != 1) _exit(1);
    while (true) pause();
  }
  close(ready[1]);
  char word = 0;
  ASSERT_EQ(read(ready[0], &word, 1), 1);
  close(ready[0]);
  const MarkerRingName name = {.pid = static_cast<uint32_t>(child), .number = 0};
  const auto process = ProcMarkerProcesses(FileRoot("/")).Find(name.pid);
  ASSERT_TRUE(process.ok()) << process.status();
  const auto open_with = [&](uint32_t rights) {
    absl::Status status;
    // The rights are a thread's own.
    std::thread([&] {
      __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
      __user_cap_data_struct data[2] = {{.effective = rights, .permitted = rights, .inheritable = 0}, {}};
      ASSERT_EQ(syscall(SYS_capset, &header, data), 0);
      const auto opened = OpenMarkerFileOf(directory_.path(), name, *process);
      if (opened.ok()) close(opened->fd);
      status = opened.status();
    }).join();
    return status;
  };
  EXPECT_TRUE(open_with(1u << CAP_DAC_READ_SEARCH).ok());
  EXPECT_EQ(open_with(0).code(), absl::StatusCode::kPermissionDenied);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

TEST_F(OpenMarkerFileTest, AFileThatItsLivingProcessDoesNotHoldIsRefused) {
  // As it is when a program closed its descriptor behind the library's back.
  std::filesystem::copy_file(path(), path(1));
  const uint32_t number = 1;
  const int fd = open(path(1).c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(pwrite(fd, &number, sizeof(number), offsetof(hft_marker_header, number)), 4);
  close(fd);
  EXPECT_EQ(Open(OwnRingName(1)).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Open(OwnRingName(1)).message(), HasSubstr("does not hold it"));
}

TEST_F(OpenMarkerFileTest, AFileKnowsWhetherItHasItsName) {
  const auto opened = OpenMarkerFileOf(directory_.path(), OwnRingName(), process_);
  ASSERT_TRUE(opened.ok());
  EXPECT_TRUE(MarkerFileIsNamed(opened->fd, OwnRingName()));
  ASSERT_EQ(rename(path().c_str(), path(1).c_str()), 0);
  EXPECT_FALSE(MarkerFileIsNamed(opened->fd, OwnRingName()));
  ASSERT_EQ(rename(path(1).c_str(), path().c_str()), 0);
  EXPECT_TRUE(MarkerFileIsNamed(opened->fd, OwnRingName()));
  hftmon_marker_close(std::exchange(marker_, nullptr));
  EXPECT_FALSE(MarkerFileIsNamed(opened->fd, OwnRingName()));
  marker_ = directory_.Create();
  EXPECT_FALSE(MarkerFileIsNamed(opened->fd, OwnRingName())) << "the name is another file's";
  close(opened->fd);
}

// A write whose source never comes holds the file's lock, and whoever takes that away waits. None of what a reader does may.
TEST_F(OpenMarkerFileTest, WhoHoldsTheFilesLockKeepsNobodyFromReadingIt) {
  ASSERT_TRUE(hftmon_marker_instant(hftmon_marker_thread_open(marker_), 0, 1));
  const StuckWriter writer(path());
  if (!writer.why_not().empty()) GTEST_SKIP() << writer.why_not();
  const auto opened = OpenMarkerFileOf(directory_.path(), OwnRingName(), process_);
  ASSERT_TRUE(opened.ok()) << opened.status();
  const SystemRawClocks clocks;
  RecordingMarkerSink sink;
  MarkerBuffers buffers;
  MarkerRingFile file(*opened, OwnRingName(), &clocks, &sink);
  EXPECT_TRUE(file.HasOwner());
  EXPECT_TRUE(file.IsNamed());
  const auto drained = file.Drain(1'000, &buffers);
  ASSERT_TRUE(drained.ok()) << drained.status();
  EXPECT_EQ(drained->record_count, 2u);
  file.Remove(directory_.path());
  EXPECT_TRUE(file.IsNamed()) << "somebody writes to it";
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
  const auto bytes = static_cast<off_t>(hft_marker_file_bytes(16, 4, 256, HFT_MARKER_RANGES_MAX));
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
  EXPECT_EQ(spoilt(offsetof(hft_marker_header, version), uint32_t{1}).code(), absl::StatusCode::kUnimplemented);
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
