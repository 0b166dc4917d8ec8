#include <gmock/gmock.h>
#include <netinet/in.h>

#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;

class NetworkRpcTest : public ServiceFixture {
 protected:
  NetworkRpcTest() {
    network_.total.collecting = true;
    network_.total.polls = {{{.device = 1, .name = "eth0", .ifindex = 2, .poll_count = 3, .work_count = 9, .self_ns = 100},
                             {.device = 2, .name = "eth1", .ifindex = 3, .poll_count = 1, .self_ns = 900}},
                            {{.device = 1, .name = "eth0", .ifindex = 2, .poll_count = 4, .full_count = 1, .self_ns = 50},
                             {.device = 9, .name = "eth0", .ifindex = 2, .other_namespace = true, .poll_count = 8}}};
    network_.total.drops = {{.reason = "SOCKET_RCVBUFF", .ifindex = 2, .interface = "eth0", .count = 7},
                            {.reason = "NO_SOCKET", .count = 2}};
    network_.total.retransmits = {{.local_port = 5000, .remote_address = "10.0.0.1", .remote_port = 80, .count = 3, .tid = 12, .tgid = 10}};
    network_.total.retransmit_count = 4;
    network_.host.softnet = std::vector<SoftnetCpu>{{.cpu = 1, .processed_count = 50, .time_squeeze_count = 6}};
    network_.host.counters =
        InterfaceReport{.interfaces = {{.name = "eth0", .ifindex = 2, .rx_packets = 11}, {.name = "lo", .ifindex = 1}}, .unread_count = 2};
  }
  void SetUp() override {
    ServiceFixture::SetUp();
    CloseBucket(kNowNs - kSecondNs, kNowNs + kSecondNs);
  }
  grpc::Status Query(const v1::QueryNetworkRequest& request) { return stub_->QueryNetwork(Context().get(), request, &response_); }

  v1::QueryNetworkResponse response_;
};

TEST_F(NetworkRpcTest, CpusHaveTheirSoftirqsPollsAndTheKernelsCounts) {
  CpuInterruptTotal rx;
  rx.sources[HFT_SOURCE_SOFTIRQ + 3] = {.count = 5, .self_ns = 1'234};
  rx.sources[HFT_SOURCE_SOFTIRQ + 2] = {.count = 2, .self_ns = 99};
  interrupts_.cpus = {rx};
  const grpc::Status status = Query({});
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response_.cpus_size(), 2);
  EXPECT_EQ(response_.cpus(0).net_rx_ns(), 1'234);
  EXPECT_EQ(response_.cpus(0).net_rx_count(), 5u);
  EXPECT_EQ(response_.cpus(0).net_tx_ns(), 99);
  EXPECT_FALSE(response_.cpus(0).has_softnet());
  ASSERT_EQ(response_.cpus(0).interfaces_size(), 2);
  EXPECT_EQ(response_.cpus(0).interfaces(0).name(), "eth1") << "the longest first";
  EXPECT_FALSE(response_.cpus(1).has_net_rx_ns()) << "its interrupts are not watched";
  EXPECT_EQ(response_.cpus(1).softnet().time_squeeze_count(), 6u);
  v1::QueryNetworkRequest request;
  request.add_cpus(1);
  ASSERT_TRUE(Query(request).ok());
  ASSERT_EQ(response_.cpus_size(), 1);
  EXPECT_EQ(response_.cpus(0).cpu(), 1);
  request.add_cpus(2);
  const grpc::Status refused = Query(request);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ErrorInfoOf(refused).reason(), "NOT_A_CPU");
}

TEST_F(NetworkRpcTest, AnInterfaceIsOneOverAllCpusAndAnotherNamespacesIsAnother) {
  ASSERT_TRUE(Query({}).ok());
  ASSERT_EQ(response_.interfaces_size(), 4);
  EXPECT_EQ(response_.interfaces(0).polls().name(), "eth1");
  EXPECT_FALSE(response_.interfaces(0).has_counters()) << "it is gone";
  const v1::InterfaceNetwork& eth0 = response_.interfaces(1);
  EXPECT_EQ(eth0.polls().poll_count(), 7u);
  EXPECT_EQ(eth0.polls().work_count(), 9u);
  EXPECT_EQ(eth0.polls().full_count(), 1u);
  EXPECT_EQ(eth0.polls().self_ns(), 150);
  EXPECT_EQ(eth0.counters().rx_packets(), 11u);
  EXPECT_FALSE(eth0.counters().has_tx_packets());
  EXPECT_TRUE(response_.interfaces(2).polls().other_namespace());
  EXPECT_FALSE(response_.interfaces(2).has_counters());
  EXPECT_EQ(response_.interfaces(3).polls().name(), "lo");
  EXPECT_TRUE(response_.interfaces(3).has_counters()) << "nobody polls it";
  EXPECT_EQ(response_.unread_interface_count(), 2u);
}

TEST_F(NetworkRpcTest, OneInterfaceMayBeAskedFor) {
  v1::QueryNetworkRequest request;
  request.set_interface("eth0");
  ASSERT_TRUE(Query(request).ok());
  EXPECT_EQ(response_.interfaces_size(), 2);
  ASSERT_EQ(response_.drops_size(), 1);
  EXPECT_EQ(response_.drops(0).reason(), "SOCKET_RCVBUFF");
  EXPECT_EQ(response_.cpus(0).interfaces_size(), 1);
  request.set_interface("a-name-of-16-byte");
  EXPECT_EQ(Query(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(NetworkRpcTest, ADropThatKnowsItsInterfacesNumberAloneIsTold) {
  network_.total.drops = {{.reason = "SOCKET_RCVBUFF", .ifindex = 2, .count = 7},
                          {.reason = "NO_SOCKET", .ifindex = 3, .count = 2},
                          {.reason = "NO_SOCKET", .count = 1},
                          {.reason = "NO_SOCKET", .ifindex = 2, .interface = "veth2", .other_namespace = true, .count = 1}};
  v1::QueryNetworkRequest request;
  request.set_interface("eth0");
  ASSERT_TRUE(Query(request).ok());
  ASSERT_EQ(response_.drops_size(), 1);
  EXPECT_EQ(response_.drops(0).count(), 7u);
  EXPECT_EQ(response_.drops(0).interface(), "") << "it may be that number of another namespace";
  request.set_interface("eth1");  // polled, and not in the host's files
  ASSERT_TRUE(Query(request).ok());
  ASSERT_EQ(response_.drops_size(), 1);
  EXPECT_EQ(response_.drops(0).ifindex(), 3u);
}

TEST_F(NetworkRpcTest, AnInterfaceThatNobodyKnowsIsRefusedWhereAllWouldBeKnown) {
  network_.total.drops.push_back({.reason = "NO_SOCKET", .ifindex = 8, .interface = "veth8", .other_namespace = true, .count = 1});
  v1::QueryNetworkRequest request;
  request.set_interface("eht0");
  EXPECT_TRUE(Query(request).ok()) << "it may be one of those that were not read";
  network_.host.counters->unread_count = 0;
  const grpc::Status status = Query(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "NOT_AN_INTERFACE");
  EXPECT_NE(status.error_message().find("`hftmon network` without --interface"), std::string::npos);
  for (const char* known : {"eth1", "lo", "veth8", "backlog"}) {
    request.set_interface(known);
    EXPECT_TRUE(Query(request).ok()) << known;
  }
  network_.host.counters = absl::PermissionDeniedError("not this one");
  request.set_interface("eht0");
  EXPECT_TRUE(Query(request).ok());
}

TEST_F(NetworkRpcTest, DropsAndRetransmitsAreTold) {
  network_.total.unlisted_drop_count = 5;
  network_.total.unlisted_read_count = 6;
  ASSERT_TRUE(Query({}).ok());
  ASSERT_EQ(response_.drops_size(), 2);
  EXPECT_EQ(response_.drops(0).count(), 7u);
  EXPECT_EQ(response_.drops(0).interface(), "eth0");
  EXPECT_EQ(response_.unlisted_drop_count(), 5u);
  EXPECT_EQ(response_.unlisted_read_count(), 6u);
  ASSERT_EQ(response_.retransmits_size(), 1);
  EXPECT_EQ(response_.retransmits(0).tid(), 12);
  EXPECT_EQ(response_.retransmits(0).pid(), 10);
  EXPECT_EQ(response_.retransmits(0).remote_address(), "10.0.0.1");
  EXPECT_EQ(response_.retransmit_count(), 4u);
}

TEST_F(NetworkRpcTest, SocketsAreToldByThreadAndAnUnknownThreadIsRefused) {
  SocketTotal socket{.fd = 7, .protocol = IPPROTO_UDP, .local_address = "239.1.1.1", .local_port = 9000, .copied_count = 4};
  socket.unmatched_count = 1;
  socket.arrival_to_queue = {.sum_ns = 40, .longest_ns = 20};
  socket.queue_to_copy = {.sum_ns = 400, .longest_ns = 200};
  socket.arrival_to_copy = {.sum_ns = 440, .longest_ns = 220};
  network_.threads = {{.thread = kThread, .sockets = {socket, {.protocol = 132}}},
                      {.thread = {.tid = 1002, .tgid = kPid, .start_ns = 300}, .unavailable = "its target does not ask"}};
  ASSERT_TRUE(Query({}).ok());
  ASSERT_EQ(response_.threads_size(), 2);
  EXPECT_TRUE(response_.threads(0).available());
  ASSERT_EQ(response_.threads(0).sockets_size(), 2);
  const v1::SocketPath& told = response_.threads(0).sockets(0);
  EXPECT_EQ(told.protocol(), "udp");
  EXPECT_EQ(told.local_address(), "239.1.1.1");
  EXPECT_EQ(told.copied_count(), 4u);
  EXPECT_EQ(told.unmatched_count(), 1u);
  EXPECT_EQ(told.arrival_to_queue().longest_ns(), 20);
  EXPECT_EQ(told.queue_to_copy().sum_ns(), 400);
  EXPECT_EQ(told.arrival_to_copy().sum_ns(), 440);
  EXPECT_EQ(response_.threads(0).sockets(1).protocol(), "132");
  EXPECT_EQ(response_.threads(0).sockets(1).fd(), -1);
  EXPECT_FALSE(response_.threads(1).available());
  EXPECT_EQ(response_.threads(1).reason(), "its target does not ask");
  v1::QueryNetworkRequest request;
  request.add_tids(77);
  const grpc::Status status = Query(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "NOT_A_THREAD");
}

TEST_F(NetworkRpcTest, WhatCannotBeHadSaysWhy) {
  network_.total = {};
  network_.total.reason = "nobody asks";
  network_.total.missing = {"polls: no tracepoint"};
  network_.host = {.softnet = absl::NotFoundError("no file"), .counters = absl::PermissionDeniedError("not this one")};
  ASSERT_TRUE(Query({}).ok());
  EXPECT_FALSE(response_.collecting());
  EXPECT_EQ(response_.reason(), "nobody asks");
  EXPECT_THAT(response_.missing(), ElementsAre("polls: no tracepoint"));
  EXPECT_EQ(response_.softnet_unavailable(), "no file");
  EXPECT_EQ(response_.counters_unavailable(), "not this one");
  EXPECT_EQ(response_.interfaces_size(), 0);
}

}  // namespace
}  // namespace hftmon
