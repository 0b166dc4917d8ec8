#include "daemon/control/namespace_number_book.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace hftmon {
namespace {

class NamespaceNumberBookTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "namespace_numbers_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void Write(uint32_t tid, const std::string& pids, const std::string& tids) {
    const std::filesystem::path folder = root_ / "proc" / std::to_string(tid);
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "status") << "Name:\tx\nNStgid:\t" << pids << "\nNSpid:\t" << tids << "\n";
  }
  void EndThread(uint32_t tid) { std::filesystem::remove_all(root_ / "proc" / std::to_string(tid)); }
  FileRoot Files() const { return FileRoot(root_.string()); }

  std::filesystem::path root_;
};

TEST_F(NamespaceNumberBookTest, NumbersAreThoseOfTheInnermostNamespace) {
  const FileRoot files = Files();
  NamespaceNumberBook book(&files, true);
  Write(101, "100\t9\t1", "101\t10\t2");
  EXPECT_EQ(book.Find(100, 101), (ThreadNumbers{.pid = 1, .tid = 2}));
  EXPECT_EQ(book.Find(0, 101), (ThreadNumbers{.pid = 1, .tid = 2}));
}

TEST_F(NamespaceNumberBookTest, AThreadThatEndedKeepsItsNumbers) {
  const FileRoot files = Files();
  NamespaceNumberBook book(&files, true);
  Write(101, "100\t1", "101\t2");
  Write(102, "100\t1", "102\t3");
  book.Keep(100, 101);
  EXPECT_EQ(book.Find(100, 102).tid, 3);
  EndThread(101);
  EndThread(102);
  EXPECT_EQ(book.Find(100, 101).tid, 2);
  EXPECT_EQ(book.Find(100, 102).tid, 3);
  EXPECT_EQ(book.Find(100, 103), ThreadNumbers{});
}

TEST_F(NamespaceNumberBookTest, AProcessOfTheDaemonsOwnNamespaceIsReadOnceForAllItsThreads) {
  const FileRoot files = Files();
  NamespaceNumberBook book(&files, true);
  Write(100, "100", "100");
  EXPECT_EQ(book.Find(100, 100), ThreadNumbers{});
  // Were it read again, it would be found.
  Write(101, "100\t1", "101\t2");
  EXPECT_EQ(book.Find(100, 101), ThreadNumbers{});
  book.Keep(100, 101);
  EXPECT_EQ(book.size(), 0u);
}

TEST_F(NamespaceNumberBookTest, ANumberThatAnotherThreadHasNowLosesWhatWasRemembered) {
  const FileRoot files = Files();
  NamespaceNumberBook book(&files, true);
  Write(101, "100\t1", "101\t2");
  EXPECT_EQ(book.Find(100, 101).tid, 2);
  Write(101, "101", "101");
  EXPECT_EQ(book.Find(101, 101), ThreadNumbers{});
  EndThread(101);
  EXPECT_EQ(book.Find(100, 101), ThreadNumbers{});
}

TEST_F(NamespaceNumberBookTest, ANewThreadDoesNotAnswerWithTheNumbersOfTheOneThatHadItsNumber) {
  const FileRoot files = Files();
  NamespaceNumberBook book(&files, true);
  Write(101, "100\t1", "101\t2");
  book.Keep(100, 101);
  EndThread(101);
  Write(101, "100\t1", "101\t5");
  book.Forget(101);
  book.Keep(100, 101);
  EndThread(101);
  EXPECT_EQ(book.Find(100, 101).tid, 5);
  book.Forget(101);
  book.Keep(100, 101);  // it ended before it could be read
  EXPECT_EQ(book.Find(100, 101), ThreadNumbers{});
}

TEST_F(NamespaceNumberBookTest, WhereProcHasOtherNumbersThanTheKernelNothingIsKnown) {
  const FileRoot files = Files();
  NamespaceNumberBook book(&files, false);
  Write(101, "100\t1", "101\t2");
  EXPECT_EQ(book.Find(100, 101), ThreadNumbers{});
}

TEST_F(NamespaceNumberBookTest, TheIdleTaskHasNone) {
  const FileRoot files = Files();
  NamespaceNumberBook book(&files, true);
  Write(0, "0\t1", "0\t1");
  EXPECT_EQ(book.Find(0, 0), ThreadNumbers{});
}

TEST_F(NamespaceNumberBookTest, TheOneThatWasLongestNotAskedForIsForgottenAtTheBound) {
  const FileRoot files = Files();
  NamespaceNumberBook book(&files, true);
  for (uint32_t tid = 1; tid <= NamespaceNumberBook::kThreadsMax + 1; ++tid) {
    Write(tid, "9\t1", "9\t1");
    EXPECT_EQ(book.Find(tid, tid).pid, 1);
    EndThread(tid);
  }
  EXPECT_EQ(book.size(), NamespaceNumberBook::kThreadsMax);
  EXPECT_EQ(book.Find(1, 1), ThreadNumbers{});
  EXPECT_EQ(book.Find(2, 2).pid, 1);
}

}  // namespace
}  // namespace hftmon
