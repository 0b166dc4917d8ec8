#include "daemon/os/pid_namespaces.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "daemon/os/proc_status.h"
#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr uint64_t kOuter = 4026532001;    // a container
constexpr uint64_t kNested = 4026532002;   // within it
constexpr uint64_t kSibling = 4026532003;  // another container, with one nested
constexpr uint64_t kCousin = 4026532004;

class PidNamespacesTest : public ::testing::Test {
 protected:
  PidNamespacesTest() { tree_.Link("/proc/self/ns/pid", "pid:[4026531836]"); }

  // `numbers` as NSpid has them, the host's first.
  void Add(uint32_t pid, const std::string& numbers, uint64_t inode) {
    const std::string folder = "/proc/" + std::to_string(pid);
    tree_.Write(folder + "/status", "Name:\tx\nNStgid:\t" + numbers + "\nNSpid:\t" + numbers + "\n");
    if (inode != 0) tree_.Link(folder + "/ns/pid", "pid:[" + std::to_string(inode) + "]");
  }
  void AddThread(uint32_t pid, uint32_t tid, const std::string& numbers) {
    tree_.Write("/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/status", "NSpid:\t" + numbers + "\n");
  }
  PidNamespaces Make() {
    return PidNamespaces(&files_, [](uint32_t pid) -> std::vector<uint64_t> {
      if (pid >= 300) return {kSibling, kInitialPidNamespace};
      return {kOuter, kInitialPidNamespace};
    });
  }

  FixtureTree tree_;
  FileRoot files_ = tree_.root();
};

TEST_F(PidNamespacesTest, ALinkIsItsNumber) {
  EXPECT_EQ(*ParsePidNamespaceLink("pid:[4026531836]"), kInitialPidNamespace);
  for (const char* text : {"", "pid:[]", "pid:[0]", "pid:[12", "mnt:[12]", "pid:[-1]", "pid:[1]x"}) {
    EXPECT_FALSE(ParsePidNamespaceLink(text).ok()) << text;
  }
}

TEST_F(PidNamespacesTest, AStatusHasTheNumbersBelowItsOwnNamespace) {
  const NamespaceNumbers nested = ParseNamespaceNumbers("Name:\tx\nNStgid:\t100\t7\t1\nNgid:\t0\nNSpid:\t101\t8\t2\n");
  EXPECT_THAT(nested.pids, ElementsAre(7, 1));
  EXPECT_THAT(nested.tids, ElementsAre(8, 2));
  EXPECT_THAT(ParseNamespaceNumbers("NStgid:\t100\nNSpid:\t100\n").tids, IsEmpty());
  EXPECT_THAT(ParseNamespaceNumbers("Name:\told kernel\n").tids, IsEmpty());
  EXPECT_THAT(ParseNamespaceNumbers("NSpid:\t100\tx\n").tids, IsEmpty());
}

TEST_F(PidNamespacesTest, OneThatIsNotInTheInitialNamespaceSaysSo) {
  EXPECT_TRUE(Make().in_initial());
  const FixtureTree contained;
  contained.Link("/proc/self/ns/pid", "pid:[4026532001]");
  const FileRoot files = contained.root();
  EXPECT_FALSE(PidNamespaces(&files).in_initial());
  EXPECT_EQ(*PidNamespaces(&files).own(), kOuter);
}

TEST_F(PidNamespacesTest, TheLevelsOfAProcessNameEachNamespaceAndItsNumberThere) {
  Add(100, "100", kInitialPidNamespace);
  Add(200, "200\t7", kOuter);
  Add(201, "201\t9\t1", kNested);
  const PidNamespaces namespaces = Make();
  EXPECT_THAT(namespaces.LevelsOf(100), IsEmpty());
  EXPECT_THAT(namespaces.LevelsOf(999), IsEmpty());
  EXPECT_THAT(namespaces.LevelsOf(200), ElementsAre(PidLevel{kOuter, 7}));
  EXPECT_THAT(namespaces.LevelsOf(201), ElementsAre(PidLevel{kOuter, 9}, PidLevel{kNested, 1}));
}

TEST_F(PidNamespacesTest, WhereTheLinkMayNotBeReadTheNumbersStandAlone) {
  Add(200, "200\t7", 0);
  EXPECT_THAT(Make().LevelsOf(200), ElementsAre(PidLevel{0, 7}));
}

TEST_F(PidNamespacesTest, ANumberIsTheProcessOfThatNamespaceAlone) {
  Add(7, "7", kInitialPidNamespace);
  Add(200, "200\t7", kOuter);
  Add(201, "201\t9\t7", kNested);
  Add(300, "300\t7", kSibling);
  const PidNamespaces namespaces = Make();
  EXPECT_THAT(namespaces.FindProcesses(kOuter, {7})->pids, ElementsAre(Pair(7, 200)));
  EXPECT_THAT(namespaces.FindProcesses(kNested, {7})->pids, ElementsAre(Pair(7, 201)));
  EXPECT_THAT(namespaces.FindProcesses(kSibling, {7})->pids, ElementsAre(Pair(7, 300)));
}

TEST_F(PidNamespacesTest, AProcessBelowHasANumberAboveAndNoneOfItsCousinIsTakenForIt) {
  Add(200, "200\t1", kOuter);
  Add(201, "201\t9\t1", kNested);
  Add(300, "300\t1", kSibling);
  Add(301, "301\t9\t1", kCousin);
  const PidNamespaces namespaces = Make();
  EXPECT_THAT(namespaces.FindProcesses(kOuter, {9})->pids, ElementsAre(Pair(9, 201)));
  EXPECT_THAT(namespaces.FindProcesses(kSibling, {9})->pids, ElementsAre(Pair(9, 301)));
  EXPECT_THAT(namespaces.FindProcesses(kCousin, {9})->pids, IsEmpty());
}

TEST_F(PidNamespacesTest, WhatWasNotFoundAndWhatMayNotBeLookedAtIsSaid) {
  Add(200, "200\t1", kOuter);
  const PidNamespaces namespaces = Make();
  const auto missing = namespaces.FindProcesses(kOuter, {5});
  EXPECT_THAT(missing->pids, IsEmpty());
  EXPECT_TRUE(missing->namespace_seen);
  EXPECT_FALSE(namespaces.FindProcesses(77, {1})->namespace_seen);
  // A link that is none stands for one that may not be read.
  tree_.Write("/proc/400/status", "NSpid:\t400\t3\n");
  tree_.Write("/proc/400/ns/pid", "");
  EXPECT_EQ(namespaces.FindProcesses(kOuter, {5})->unread_count, 1u);
}

TEST_F(PidNamespacesTest, ThreadsAreFoundByTheirNumberAtALevel) {
  AddThread(201, 201, "201\t9\t1");
  AddThread(201, 202, "202\t10\t2");
  AddThread(201, 203, "203\t2\t3");
  const PidNamespaces namespaces = Make();
  EXPECT_THAT(namespaces.FindThreads(201, 1, {2}), ElementsAre(Pair(2, 202)));
  EXPECT_THAT(namespaces.FindThreads(201, 0, {2, 10}), ElementsAre(Pair(2, 203), Pair(10, 202)));
  EXPECT_THAT(namespaces.FindThreads(999, 0, {2}), IsEmpty());
}

TEST_F(PidNamespacesTest, OnThisHostAProcessOfTheOwnNamespaceHasNoOtherNumber) {
  const FileRoot host;
  const PidNamespaces namespaces(&host);
  ASSERT_TRUE(namespaces.own().ok()) << namespaces.own().status();
  EXPECT_THAT(namespaces.LevelsOf(static_cast<uint32_t>(getpid())), IsEmpty());
  EXPECT_EQ(*namespaces.NamespaceOf(static_cast<uint32_t>(getpid())), *namespaces.own());
}

}  // namespace
}  // namespace hftmon
