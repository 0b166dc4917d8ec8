#include "daemon/control/process_names.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace hftmon {
namespace {

class ProcessNamesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "process_names_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root); }

  void WriteComm(uint32_t tid, const std::string& comm) {
    const std::filesystem::path folder = root / "proc" / std::to_string(tid);
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "comm") << comm << "\n";
  }
  void EndThread(uint32_t tid) { std::filesystem::remove_all(root / "proc" / std::to_string(tid)); }

  std::filesystem::path root;
};

TEST_F(ProcessNamesTest, NameIsWhatTheKernelSaysNow) {
  const FileRoot files(root.string());
  ProcessNames names(&files);
  WriteComm(12, "feed handler");
  EXPECT_EQ(names.NameOf(12), "feed handler");
  WriteComm(12, "renamed");
  EXPECT_EQ(names.NameOf(12), "renamed");
}

TEST_F(ProcessNamesTest, NameOfAnEndedThreadIsRemembered) {
  const FileRoot files(root.string());
  ProcessNames names(&files);
  WriteComm(12, "engine");
  EXPECT_EQ(names.NameOf(12), "engine");
  EndThread(12);
  EXPECT_EQ(names.NameOf(12), "engine");
  names.Remember(13, "short-lived");
  EXPECT_EQ(names.NameOf(13), "short-lived");
}

TEST_F(ProcessNamesTest, NeverSeenIsEmptyAndZeroIsIdle) {
  const FileRoot files(root.string());
  ProcessNames names(&files);
  EXPECT_EQ(names.NameOf(99), "");
  EXPECT_EQ(names.NameOf(0), "swapper");
  names.Remember(0, "other");
  names.Remember(5, "");
  EXPECT_EQ(names.NameOf(0), "swapper");
  EXPECT_EQ(names.size(), 0u);
}

TEST_F(ProcessNamesTest, LeastRecentlyUsedNameIsForgottenAtTheBound) {
  const FileRoot files(root.string());
  ProcessNames names(&files);
  for (uint32_t tid = 1; tid <= ProcessNames::kNamesMax; ++tid) names.Remember(tid, "thread");
  EXPECT_EQ(names.NameOf(1), "thread");  // used: 2 is the oldest now
  names.Remember(100'000, "one more");
  EXPECT_EQ(names.size(), ProcessNames::kNamesMax);
  EXPECT_EQ(names.NameOf(1), "thread");
  EXPECT_EQ(names.NameOf(2), "");
}

}  // namespace
}  // namespace hftmon
