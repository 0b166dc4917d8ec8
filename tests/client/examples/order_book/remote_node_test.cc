#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "client/examples/order_book/injections/remote_memory.h"

namespace hftmon::order_book {
namespace {

class RemoteNodeTest : public ::testing::Test {
 protected:
  RemoteNodeTest() : root_(std::filesystem::path(::testing::TempDir()) / ("order_book_nodes." + std::to_string(getpid()))) {}
  ~RemoteNodeTest() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_ / "devices/system/node" / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text << "\n";
  }

  const std::filesystem::path root_;
};

TEST_F(RemoteNodeTest, TheOtherNodeWithMemoryIsTaken) {
  Write("has_memory", "0,2");
  Write("node0/cpulist", "0-3");
  Write("node1/cpulist", "4-7");
  Write("node2/cpulist", "8-11");
  EXPECT_EQ(RemoteNode(root_, 2).value(), 2);
  EXPECT_EQ(RemoteNode(root_, 9).value(), 0);
}

TEST_F(RemoteNodeTest, MemoryWithoutCpusIsRemoteToAll) {
  Write("has_memory", "0-1");
  Write("node0/cpulist", "0-3");
  Write("node1/cpulist", "");
  EXPECT_EQ(RemoteNode(root_, 0).value(), 1);
}

TEST_F(RemoteNodeTest, OneNodeIsRefusedWithTheReason) {
  Write("has_memory", "0");
  Write("node0/cpulist", "0-3");
  const auto node = RemoteNode(root_, 2);
  EXPECT_EQ(node.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(node.status().message()), ::testing::HasSubstr("no NUMA node with memory besides CPU 2's"));
}

TEST_F(RemoteNodeTest, AKernelWithoutNodesIsRefusedToo) {
  EXPECT_EQ(RemoteNode(root_, 2).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace hftmon::order_book
