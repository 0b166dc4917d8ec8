#include "daemon/unwind/mapped_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace hftmon {
namespace {

using ::testing::HasSubstr;

class MappedFileTest : public ::testing::Test {
 protected:
  MappedFileTest() : folder_(::testing::TempDir() + "mapped_file_test." + std::to_string(getpid())) {
    std::filesystem::create_directory(folder_);
  }
  ~MappedFileTest() override { std::filesystem::remove_all(folder_); }

  std::string Refusal(const std::string& path, uint64_t inode = 0) {
    std::string reason;
    const int fd = OpenElf(path, inode, &reason);
    EXPECT_EQ(fd, -1);
    return reason;
  }
  const std::string folder_;
};

TEST_F(MappedFileTest, AnElfFileIsOpened) {
  std::string reason;
  const int fd = OpenElf("/proc/self/exe", 0, &reason);
  ASSERT_GE(fd, 0) << reason;
  close(fd);
}

TEST_F(MappedFileTest, AFifoIsRefusedWithoutWaitingForAWriter) {
  ASSERT_EQ(mkfifo((folder_ + "/fifo").c_str(), 0600), 0);
  EXPECT_THAT(Refusal(folder_ + "/fifo"), HasSubstr("no regular file"));
}

TEST_F(MappedFileTest, ADeviceAndAFolderAreRefused) {
  EXPECT_THAT(Refusal("/dev/zero"), HasSubstr("no regular file"));
  EXPECT_THAT(Refusal(folder_), HasSubstr("no regular file"));
}

TEST_F(MappedFileTest, AFileThatIsTooLargeOrNoElfIsRefused) {
  const std::string path = folder_ + "/file";
  std::ofstream(path) << "#!/bin/sh\n";
  EXPECT_THAT(Refusal(path), HasSubstr("no ELF file"));
  ASSERT_EQ(truncate(path.c_str(), kMappedFileBytesMax + 1), 0);
  EXPECT_THAT(Refusal(path), HasSubstr("larger"));
}

TEST_F(MappedFileTest, AnotherFileUnderTheSameNameIsRefused) {
  struct stat found = {};
  ASSERT_EQ(stat("/proc/self/exe", &found), 0);
  EXPECT_THAT(Refusal("/proc/self/exe", found.st_ino + 1), HasSubstr("replaced"));
}

}  // namespace
}  // namespace hftmon
