#include "daemon/os/thread_ids.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

TEST(ThreadIdsTest, EveryThreadIsListedAndNothingElse) {
  const FixtureTree host;
  for (const char* entry : {"90", "101", "9", "0", "-5", "12x", "99999999999"}) host.MakeDirectory(std::string("/proc/90/task/") + entry);
  const auto tids = ReadThreadIds(host.root(), 90);
  ASSERT_TRUE(tids.ok()) << tids.status();
  EXPECT_THAT(*tids, UnorderedElementsAre(90, 101, 9));
}

TEST(ThreadIdsTest, AProcessThatEndedIsNotFound) {
  const FixtureTree host;
  EXPECT_TRUE(absl::IsNotFound(ReadThreadIds(host.root(), 90).status()));
  host.MakeDirectory("/proc/90/task");
  EXPECT_TRUE(absl::IsNotFound(ReadThreadIds(host.root(), 90).status()));
}

TEST(ThreadIdsTest, OurOwnAreThoseOfThisProcess) {
  const auto before = ReadThreadIds(FileRoot(), 0);
  pid_t tid = 0;
  absl::StatusOr<std::vector<pid_t>> inside;
  std::thread other([&] {
    tid = gettid();
    inside = ReadThreadIds(FileRoot(), getpid());
  });
  other.join();
  ASSERT_TRUE(before.ok() && inside.ok()) << before.status() << inside.status();
  EXPECT_THAT(*before, AllOf(Contains(getpid()), Not(Contains(tid))));
  EXPECT_THAT(*inside, IsSupersetOf({getpid(), tid}));
}

}  // namespace
}  // namespace hftmon
