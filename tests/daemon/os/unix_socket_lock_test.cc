#include "daemon/os/unix_socket_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A socket file with, or after it is closed without, somebody who listens.
class Listener {
 public:
  explicit Listener(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size());
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0) << path;
    EXPECT_EQ(::listen(fd_, 1), 0);
  }
  ~Listener() { ::close(fd_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

 private:
  int fd_;
};

class UnixSocketLockTest : public ::testing::Test {
 protected:
  std::string Path() const { return tree_.path() + "/hftmond.sock"; }
  FixtureTree tree_;
};

TEST_F(UnixSocketLockTest, NothingIsLeftBehind) {
  {
    const auto lock = UnixSocketLock::Acquire(Path());
    ASSERT_TRUE(lock.ok()) << lock.status();
    const Listener listener(Path());
    EXPECT_TRUE(std::filesystem::exists(Path()));
  }
  EXPECT_THAT(*FileRoot(tree_.path()).List("/"), IsEmpty());
}

TEST_F(UnixSocketLockTest, ASecondDaemonIsToldThePidOfTheFirst) {
  const auto first = UnixSocketLock::Acquire(Path());
  ASSERT_TRUE(first.ok());
  const auto second = UnixSocketLock::Acquire(Path());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("another hftmond serves unix:" + Path()));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("pid " + std::to_string(::getpid())));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("--listen"));
}

TEST_F(UnixSocketLockTest, AfterTheFirstHasEndedTheSecondMayServe) {
  { ASSERT_TRUE(UnixSocketLock::Acquire(Path()).ok()); }
  EXPECT_TRUE(UnixSocketLock::Acquire(Path()).ok());
}

TEST_F(UnixSocketLockTest, AKilledDaemonsSocketAndLockAreTakenOver) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto lock = UnixSocketLock::Acquire(Path());
    if (!lock.ok()) ::_exit(1);
    const Listener listener(Path());
    ::_exit(0);  // no destructor runs: both files stay
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  ASSERT_TRUE(std::filesystem::exists(Path()));
  ASSERT_TRUE(std::filesystem::exists(Path() + ".lock"));
  const auto lock = UnixSocketLock::Acquire(Path());
  ASSERT_TRUE(lock.ok()) << lock.status();
  EXPECT_FALSE(std::filesystem::exists(Path()));
}

TEST_F(UnixSocketLockTest, AnotherProgramsLiveSocketIsNotTouched) {
  const Listener other(Path());
  const auto lock = UnixSocketLock::Acquire(Path());
  EXPECT_EQ(lock.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(lock.status().message()), HasSubstr("another program serves"));
  EXPECT_TRUE(std::filesystem::exists(Path()));
  EXPECT_FALSE(std::filesystem::exists(Path() + ".lock"));
}

TEST_F(UnixSocketLockTest, AFileThatIsNoSocketIsNotRemoved) {
  tree_.Write("/hftmond.sock", "precious");
  const auto lock = UnixSocketLock::Acquire(Path());
  EXPECT_EQ(lock.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(lock.status().message()), HasSubstr("is not a socket"));
  EXPECT_EQ(*tree_.root().ReadFile("/hftmond.sock"), "precious");
}

TEST_F(UnixSocketLockTest, APathThatIsTooLongIsToldItsLimit) {
  const std::string longest = tree_.path() + "/" + std::string(107 - tree_.path().size() - 1, 'x');
  EXPECT_TRUE(UnixSocketLock::Acquire(longest).ok());
  const auto lock = UnixSocketLock::Acquire(longest + "x");
  EXPECT_EQ(lock.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(lock.status().message()), HasSubstr("allows 107"));
}

TEST_F(UnixSocketLockTest, AMissingDirectoryIsNamed) {
  const auto lock = UnixSocketLock::Acquire(tree_.path() + "/none/hftmond.sock");
  EXPECT_EQ(lock.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(lock.status().message()), HasSubstr(tree_.path() + "/none: create it"));
}

TEST_F(UnixSocketLockTest, AnEmptyPathIsRefused) {
  EXPECT_EQ(UnixSocketLock::Acquire("").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(UnixSocketLockTest, AHundredRoundsLeakNoDescriptor) {
  const auto count = [] { return FileRoot("/").List("/proc/self/fd")->size(); };
  const size_t before = count();
  for (int i = 0; i < 100; ++i) {
    const auto lock = UnixSocketLock::Acquire(Path());
    ASSERT_TRUE(lock.ok()) << lock.status();
    ASSERT_FALSE(UnixSocketLock::Acquire(Path()).ok());
  }
  EXPECT_EQ(count(), before);
}

}  // namespace
}  // namespace hftmon
