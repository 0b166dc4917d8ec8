#include "client/cpp/own_pid_namespace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(OwnPidNamespaceTest, AProcThatIsNotThereIsAnErrorAndNotTheHostsNamespace) {
  const auto own = OwnPidNamespace("/nonexistent/self/ns/pid");
  ASSERT_FALSE(own.ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(own.status()));
  EXPECT_THAT(std::string(own.status().message()),
              AllOf(HasSubstr("/nonexistent/self/ns/pid: No such file or directory"), HasSubstr("mount /proc, or set host_numbers")));
}

TEST(OwnPidNamespaceTest, AnyOtherNamespaceIsItsInodeNumber) {
  struct stat status;
  ASSERT_EQ(stat("/", &status), 0);
  const auto own = OwnPidNamespace("/");
  ASSERT_TRUE(own.ok()) << own.status();
  EXPECT_EQ(*own, status.st_ino);
}

}  // namespace
}  // namespace hftmon
