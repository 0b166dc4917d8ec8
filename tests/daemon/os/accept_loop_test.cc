#include "daemon/os/accept_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <mutex>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

// Connections that were handed on, and the ends that asked for them.
class AcceptLoopTest : public testing::Test {
 protected:
  AcceptLoopTest() {
    std::vector<ListeningSocket> sockets;
    absl::StatusOr<ListeningSocket> socket = ListeningSocket::OnPath(path_);
    EXPECT_TRUE(socket.ok()) << socket.status();
    sockets.push_back(*std::move(socket));
    auto loop =
        AcceptLoop::Create(std::move(sockets), {.fds_max = [this] { return fds_max_.load(std::memory_order_relaxed); }, .reserved_fds = 10},
                           [this](int, int fd) {
                             std::lock_guard lock(mutex_);
                             accepted_.push_back(fd);
                             changed_.notify_all();
                           });
    EXPECT_TRUE(loop.ok()) << loop.status();
    loop_ = *std::move(loop);
    loop_->Begin();
  }
  ~AcceptLoopTest() override {
    loop_.reset();
    for (const int fd : accepted_) close(fd);
    for (const int fd : clients_) close(fd);
  }
  int Connect() {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.size());
    EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0) << strerror(errno);
    clients_.push_back(fd);
    return fd;
  }
  void AwaitAccepted(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return accepted_.size() >= count; });
  }
  // Whether the other end has closed it; waits for that or for a byte.
  static bool IsClosed(int fd) {
    char byte = 0;
    return recv(fd, &byte, 1, 0) <= 0;
  }

  FixtureTree tree_;
  const std::string path_ = (std::filesystem::path(tree_.path()) / "x.sock").string();
  std::atomic<int64_t> fds_max_{1'000'000};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<int> accepted_;
  std::vector<int> clients_;
  std::unique_ptr<AcceptLoop> loop_;
};

TEST_F(AcceptLoopTest, ConnectionsAreHandedOn) {
  for (int i = 0; i < 200; ++i) Connect();
  AwaitAccepted(200);
  EXPECT_EQ(loop_->refused_count(), 0u);
}

TEST_F(AcceptLoopTest, OneThatWouldEatIntoTheReserveIsClosedAndCountedAndLaterOnesAreTaken) {
  Connect();
  AwaitAccepted(1);
  fds_max_.store(10, std::memory_order_relaxed);
  EXPECT_TRUE(IsClosed(Connect()));
  EXPECT_TRUE(IsClosed(Connect()));
  EXPECT_EQ(loop_->refused_count(), 2u);
  fds_max_.store(1'000'000, std::memory_order_relaxed);
  Connect();
  AwaitAccepted(2);
  EXPECT_EQ(loop_->refused_count(), 2u);
}

TEST_F(AcceptLoopTest, ASocketOnAPathIsForOwnerAndGroup) {
  struct stat state {};
  ASSERT_EQ(stat(path_.c_str(), &state), 0);
  EXPECT_EQ(state.st_mode & 0777, 0660u);
}

TEST_F(AcceptLoopTest, AfterItsEndNobodyListens) {
  Connect();
  AwaitAccepted(1);
  loop_->Stop();
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  clients_.push_back(fd);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path_.c_str(), path_.size());
  EXPECT_NE(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(loop_->refused_count(), 0u) << "can still be asked";
}

TEST(ListeningSocketTest, MessagesOfAConnectionToAPortDoNotWaitForEachOther) {
  const auto listening = ListeningSocket::OnPort("127.0.0.1", 0);
  ASSERT_TRUE(listening.ok()) << listening.status();
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(listening->port()));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  const int accepted = accept(listening->fd(), nullptr, nullptr);
  ASSERT_GE(accepted, 0);
  int no_delay = 0;
  socklen_t bytes = sizeof(no_delay);
  EXPECT_EQ(getsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &no_delay, &bytes), 0);
  EXPECT_NE(no_delay, 0);
  close(accepted);
  close(client);
}

TEST(ListeningSocketTest, APortThatIsTakenIsSaidWithItsAddress) {
  const auto first = ListeningSocket::OnPort("localhost", 0);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_GT(first->port(), 0);
  const auto second = ListeningSocket::OnPort("127.0.0.1", first->port());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(std::to_string(first->port())));
  EXPECT_EQ(ListeningSocket::OnPort("no address", 0).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace hftmon
