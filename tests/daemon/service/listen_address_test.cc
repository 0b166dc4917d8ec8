#include "daemon/service/listen_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hftmon {
namespace {

using testing::HasSubstr;

TEST(ListenAddressTest, AUnixPathIsTaken) {
  const auto address = ParseListenAddress("unix:/run/hftmon/hftmond.sock");
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_EQ(address->kind, ListenAddress::Kind::kUnixSocket);
  EXPECT_EQ(address->path, "/run/hftmon/hftmond.sock");
  EXPECT_EQ(address->Text(), "unix:/run/hftmon/hftmond.sock");
}

TEST(ListenAddressTest, LoopbackHostsAreTaken) {
  for (const std::string text : {"127.0.0.1:0", "127.8.9.10:50051", "localhost:65535", "[::1]:7"}) {
    const auto address = ParseListenAddress(text);
    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_EQ(address->Text(), text);
  }
}

TEST(ListenAddressTest, OtherHostsAreRefusedWithTheMend) {
  for (const std::string text :
       {"0.0.0.0:50051", "10.0.0.1:1", "[::]:1", "example.com:80", "128.0.0.1:1", "[fe80::1]:1", "127.0.0.1.evil.com:1"}) {
    const auto address = ParseListenAddress(text);
    ASSERT_FALSE(address.ok()) << text;
    EXPECT_EQ(address.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(address.status().message()), HasSubstr("use 127.0.0.1, ::1, localhost or unix:PATH"));
  }
}

TEST(ListenAddressTest, MalformedAddressesAreRefused) {
  for (const std::string text :
       {"", ":", "127.0.0.1", "127.0.0.1:", ":50051", "127.0.0.1:-1", "127.0.0.1:65536", "127.0.0.1:http", "unix:", "unix:relative.sock"}) {
    EXPECT_EQ(ParseListenAddress(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(ListenAddressTest, ASocketPathThatTheKernelWouldCutIsRefused) {
  const auto address = ParseListenAddress("unix:/" + std::string(200, 'a'));
  ASSERT_FALSE(address.ok());
  EXPECT_THAT(std::string(address.status().message()), HasSubstr("choose a shorter one"));
}

}  // namespace
}  // namespace hftmon
