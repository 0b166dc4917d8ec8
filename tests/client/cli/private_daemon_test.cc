// PrivateDaemon with programs that are none: what comes of it, and that nothing is left.
#include "client/cli/private_daemon.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include "client/cli/own_cpus.h"
#include "client/cli/stop_wait.h"

namespace hftmon {
namespace {

class PrivateDaemonTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string folder = ::testing::TempDir() + "private_daemon.XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    setenv("TMPDIR", folder_.c_str(), 1);
    auto stop = StopWait::Start(-1);
    ASSERT_TRUE(stop.ok()) << stop.status();
    stop_ = *std::move(stop);
  }
  void TearDown() override {
    unsetenv("TMPDIR");
    std::filesystem::remove_all(folder_);
  }

  // A shell script in its place; its first words are --listen unix:PATH.
  std::string Program(const std::string& body) {
    const std::string path = folder_ + "/program";
    std::ofstream(path) << "#!/bin/sh\n" << body << "\n";
    chmod(path.c_str(), 0755);
    return path;
  }
  // Folders that were made and are still there.
  int Left() const {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) count += entry.is_directory() ? 1 : 0;
    return count;
  }
  // Nobody stops it.
  bool Wait(int64_t monotonic_ns) { return !stop_->WaitUntil(monotonic_ns); }
  PrivateDaemon::Options With(const std::string& program) {
    return {.kept_free_cpus = {}, .program = program, .wait = [this](int64_t monotonic_ns) { return Wait(monotonic_ns); }};
  }

  std::unique_ptr<StopWait> stop_;
  std::string folder_;
};

TEST_F(PrivateDaemonTest, OneThatEndsSaysWhyAndLeavesNothing) {
  const auto daemon = PrivateDaemon::Start(With(Program("echo 'CAP_BPF is missing' >&2; exit 3")));
  ASSERT_FALSE(daemon.ok());
  EXPECT_NE(std::string(daemon.status().message()).find("CAP_BPF is missing"), std::string::npos) << daemon.status();
  EXPECT_EQ(Left(), 0);
}

TEST_F(PrivateDaemonTest, OneThatCannotBeExecutedIsAnError) {
  const auto daemon = PrivateDaemon::Start(With(folder_ + "/nothing"));
  ASSERT_FALSE(daemon.ok());
  EXPECT_NE(std::string(daemon.status().message()).find("could not be started"), std::string::npos) << daemon.status();
  EXPECT_EQ(Left(), 0);
}

TEST_F(PrivateDaemonTest, GivenUpWhileItStartsItIsEndedAndLeavesNothing) {
  const std::string pid_file = folder_ + "/pid";
  PrivateDaemon::Options options =
      With(Program("echo $$ > " + pid_file + ".part; mv " + pid_file + ".part " + pid_file + "; exec sleep 60"));
  options.wait = [&](int64_t monotonic_ns) { return Wait(monotonic_ns) && access(pid_file.c_str(), F_OK) != 0; };
  const auto daemon = PrivateDaemon::Start(options);
  ASSERT_FALSE(daemon.ok());
  EXPECT_EQ(daemon.status().code(), absl::StatusCode::kCancelled);
  pid_t pid = 0;
  std::ifstream(pid_file) >> pid;
  ASSERT_GT(pid, 0);
  EXPECT_EQ(kill(pid, 0), -1) << "it still runs";
  EXPECT_EQ(Left(), 0);
}

TEST_F(PrivateDaemonTest, OneThatListensIsThereInAFolderOfItsOwnAndGoneAfterwards) {
  if (std::system("command -v python3 > /dev/null") != 0) GTEST_SKIP() << "python3 is not installed";
  const std::string program = Program(
      "exec python3 -c 'import socket, sys, time; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[2][5:]); s.listen(); time.sleep(60)' "
      "\"$@\"");
  auto daemon = PrivateDaemon::Start(With(program));
  ASSERT_TRUE(daemon.ok()) << daemon.status();
  const std::string socket = (*daemon)->address().substr(5);
  struct stat folder {};
  ASSERT_EQ(stat(std::filesystem::path(socket).parent_path().c_str(), &folder), 0);
  EXPECT_EQ(folder.st_mode & 07777, 0700u);
  EXPECT_FALSE(PrivateDaemon::IsWanted((*daemon)->address()));
  EXPECT_EQ(getpgid((*daemon)->pid()), (*daemon)->pid()) << "^C at the terminal would end it";
  const pid_t pid = (*daemon)->pid();
  daemon->reset();
  EXPECT_EQ(kill(pid, 0), -1);
  EXPECT_EQ(Left(), 0);
  EXPECT_TRUE(PrivateDaemon::IsWanted("unix:" + socket));
}

TEST_F(PrivateDaemonTest, IsWantedOnlyWhereNobodyListensOnAUnixSocket) {
  EXPECT_TRUE(PrivateDaemon::IsWanted("unix:" + folder_ + "/none.sock"));
  EXPECT_FALSE(PrivateDaemon::IsWanted("localhost:1")) << "that would be another host's or another user's to say";
  EXPECT_FALSE(PrivateDaemon::IsWanted("nonsense"));
}

TEST(OwnCpusTest, OthersAreThoseOfTheMaskThatAreNotKeptFree) {
  const std::vector<int> all = OtherCpus({1 << 20});
  ASSERT_FALSE(all.empty());
  EXPECT_TRUE(OtherCpus({}).empty()) << "nothing is to be kept free";
  EXPECT_TRUE(OtherCpus(all).empty());
  const std::vector<int> others = OtherCpus({all.front()});
  EXPECT_EQ(others.size(), all.size() - 1);
}

}  // namespace
}  // namespace hftmon
