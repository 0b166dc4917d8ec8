#include "client/cpp/server_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/client/cpp/temporary_folder.h"

namespace hftmon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// A bound Unix socket; listening or not.
class BoundSocket {
 public:
  BoundSocket(const std::string& path, bool listens) : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, sizeof(name.sun_path) - 1);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0);
    if (listens) {
      EXPECT_EQ(listen(fd_, 1), 0);
    }
  }
  ~BoundSocket() { close(fd_); }

 private:
  const int fd_;
};

std::string ExplanationFor(const std::string& path) {
  return std::string(ExplainUnreachable({"unix:" + path, "unix:" + path, path}, "Socket closed").message());
}

TEST(ServerAddressTest, UnixPathsAreTakenAsTheyAre) {
  const auto address = ServerAddress::Parse("unix:/run/hftmon/hftmond.sock");
  ASSERT_TRUE(address.ok());
  EXPECT_EQ(address->grpc_target, "unix:/run/hftmon/hftmond.sock");
  EXPECT_EQ(address->socket_path, "/run/hftmon/hftmond.sock");
  EXPECT_EQ(ServerAddress::Parse("unix:///tmp/a")->socket_path, "/tmp/a");
}

TEST(ServerAddressTest, LoopbackPortsAreTaken) {
  for (const char* text : {"localhost:50051", "127.0.0.1:1", "[::1]:65535"}) {
    const auto address = ServerAddress::Parse(text);
    ASSERT_TRUE(address.ok()) << text;
    EXPECT_TRUE(address->socket_path.empty());
  }
}

TEST(ServerAddressTest, RemoteHostIsRefusedWithTheWayAround) {
  for (const char* text : {"example.com:50051", "127.evil.example:50051", "10.0.0.1:50051"}) {
    const absl::Status status = ServerAddress::Parse(text).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr("ssh -L"));
  }
}

TEST(ServerAddressTest, MalformedIsRefusedWithWhatToWrite) {
  const std::string long_path(200, 'a');
  for (const std::string& text :
       {std::string(), std::string("unix:"), std::string("host"), std::string(":1"), std::string("localhost:"), std::string("localhost:0"),
        std::string("localhost:65536"), std::string("localhost:x"), "unix:/" + long_path}) {
    const absl::Status status = ServerAddress::Parse(text).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << text;
  }
}

TEST(ExplainUnreachableTest, MissingSocketAndDeadSocketSayStart) {
  const TemporaryFolder folder;
  EXPECT_THAT(ExplanationFor(folder.File("none")),
              AllOf(HasSubstr("systemctl start hftmond"), HasSubstr("wait for its line `listening on`")));
  const BoundSocket dead(folder.File("dead"), false);
  EXPECT_THAT(ExplanationFor(folder.File("dead")), HasSubstr("Connection refused"));
}

TEST(ExplainUnreachableTest, DaemonThatHangsUpPointsToItsJournal) {
  const TemporaryFolder folder;
  const BoundSocket listening(folder.File("listening"), true);
  EXPECT_THAT(ExplanationFor(folder.File("listening")), HasSubstr("journalctl -u hftmond"));
}

TEST(ExplainUnreachableTest, SocketThatMayNotBeOpenedSaysWhoMay) {
  if (geteuid() == 0) GTEST_SKIP() << "root may open every socket: run the test as another user";
  const TemporaryFolder folder;
  const BoundSocket listening(folder.File("closed"), true);
  ASSERT_EQ(chmod(folder.File("closed").c_str(), 0), 0);
  EXPECT_THAT(ExplanationFor(folder.File("closed")), HasSubstr("member of the group"));
}

}  // namespace
}  // namespace hftmon
