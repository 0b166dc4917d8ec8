// `network`: the way of packets, by a scripted daemon.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "client/cli/render/network.h"
#include "client/cli/render/warnings.h"
#include "tests/client/cli/cli_fixture.h"

namespace hftmon {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using NetworkVerbTest = CliFixture;

// Two CPUs, of which one has no figures of softirqs; interfaces that are polled, polled outside of the softirq alone, and neither; two
// threads.
v1::QueryNetworkResponse SomeNetwork() {
  v1::QueryNetworkResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    collecting: true
    cpus { cpu: 0 net_rx_ns: 5000000 net_rx_count: 40 net_tx_ns: 2000 net_tx_count: 3
      interfaces { name: "eth0" ifindex: 2 poll_count: 50 work_count: 125 full_count: 1 self_ns: 4000000 }
      softnet { time_squeeze_count: 6 dropped_count: 7 } }
    cpus { cpu: 3 interfaces { name: "veth1" ifindex: 9 other_namespace: true poll_count: 2 work_count: 2 untimed_count: 2 } }
    interfaces { polls { name: "eth0" ifindex: 2 poll_count: 50 work_count: 125 full_count: 1 self_ns: 4000000 }
      counters { rx_packets: 1000 rx_missed_errors: 4 tx_packets: 900 } }
    interfaces { polls { name: "veth1" ifindex: 9 other_namespace: true poll_count: 2 work_count: 2 untimed_count: 2 } }
    interfaces { polls { name: "lo" ifindex: 1 } counters { rx_packets: 8 } }
    drops { reason: "SOCKET_RCVBUFF" ifindex: 2 interface: "eth0" count: 9 }
    drops { reason: "NO_SOCKET" ifindex: 5 count: 2 }
    drops { reason: "QDISC_DROP" count: 1 }
    threads { thread { tid: 12 pid: 10 comm: "feed" } available: true
      sockets { fd: 7 protocol: "udp" local_address: "239.1.1.1" local_port: 9000 copied_count: 10 unmatched_count: 1
        arrival_to_queue { sum_ns: 20000 longest_ns: 5000 } queue_to_copy { sum_ns: 200000 longest_ns: 90000 }
        arrival_to_copy { sum_ns: 220000 longest_ns: 95000 } }
      sockets { fd: -1 protocol: "tcp" local_address: "::1" local_port: 443 remote_address: "::2" remote_port: 5000 copied_count: 4
        unqueued_count: 4 arrival_to_queue {} queue_to_copy {} arrival_to_copy { sum_ns: 4000 longest_ns: 1500 } retransmit_count: 2 } }
    threads { thread { tid: 13 pid: 10 comm: "late" } reason: "its target does not ask" }
    retransmits { local_port: 443 remote_address: "::2" remote_port: 5000 count: 2 tid: 12 pid: 10 }
    retransmits { local_port: 22 remote_address: "10.0.0.1" remote_port: 600 count: 1 }
    retransmit_count: 3)",
                                                            &response));
  return response;
}

TEST_F(NetworkVerbTest, EverythingIsShownInTablesAndWhatIsInvisibleIsSaid) {
  v1::QueryNetworkRequest seen;
  monitor_.query_network = [&seen](const auto& request, auto* response) {
    seen = request;
    *response = SomeNetwork();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"network", "-p", "10", "-t", "12,13", "--cpus", "0,3", "--interface", "eth0"}, console), 1);
  EXPECT_THAT(seen.pids(), ElementsAre(10));
  EXPECT_THAT(seen.tids(), ElementsAre(12, 13));
  EXPECT_THAT(seen.cpus(), ElementsAre(0, 3));
  EXPECT_EQ(seen.interface(), "eth0");
  EXPECT_EQ(
      console.out(),
      "cpu  NET_RX  time  NET_TX  time  polls  packets  full  squeezed  backlog drops\n"
      "  0      40   5ms       3   2us     50      125     1         6              7\n"
      "  3       -     -       -     -      2        2     0         -              -\n"
      "\n"
      "cpu  interface                polls  packets  per poll  full  untimed     time\n"
      "  0  eth0                        50      125       2.5     1        0      4ms\n"
      "  3  veth1 (other namespace)      2        2       1.0     0        2  unknown\n"
      "\n"
      "interface                polls  per poll  full     time  device: rx  rx dropped  rx missed  rx fifo   tx  tx dropped  tx fifo\n"
      "eth0                        50       2.5     1      4ms        1000           -          4        -  900           -        -\n"
      "veth1 (other namespace)      2       1.0     0  unknown           -           -          -        -    -           -        -\n"
      "lo                           -         -     -        -           8           -          -        -    -           -        -\n"
      "\n"
      "drops  reason          arrived through\n"
      "    9  SOCKET_RCVBUFF  eth0\n"
      "    2  NO_SOCKET       interface 5\n"
      "    1  QDISC_DROP      sent here, or none\n"
      "\n"
      "thread  tid  fd  socket                         packets  unmatched  arrival to queue  longest  queue to copy  longest  "
      "arrival to copy  longest\n"
      "feed     12   7  udp 239.1.1.1:9000                  10          1               2us      5us           20us     90us  "
      "           22us     95us\n"
      "feed     12   -  tcp [::1]:443 from [::2]:5000        4          0                 -        -              -        -  "
      "            1us    1.5us\n"
      "unavailable for 1 thread: its target does not ask\n"
      "\n"
      "3 TCP segments were retransmitted in all\n"
      "TCP retransmits  local port  to                  tid\n"
      "              2         443  [::2]:5000           12\n"
      "              1          22  10.0.0.1:600  not known\n"
      "\n"
      "traffic that bypasses the kernel (DPDK, Onload, ef_vi, XDP zero copy) is invisible here: only what its protocols handle is "
      "counted\n");
  EXPECT_EQ(console.err(), "hftmon: network: 1 of 2 threads have no figures: see above why\n");
}

TEST_F(NetworkVerbTest, WithoutCpusWhatEachPolledIsLeftOut) {
  EXPECT_THAT(NetworkText(SomeNetwork(), false), Not(HasSubstr("untimed")));
}

TEST_F(NetworkVerbTest, JsonHasTheFieldsOfTheAnswerAndNothingOfWhatIsNotKnown) {
  monitor_.query_network = [](const auto&, auto* response) {
    *response = SomeNetwork();
    return grpc::Status::OK;
  };
  StringConsole console;
  EXPECT_EQ(Run({"network", "--json"}, console), 1);
  const json answer = json::parse(console.out());
  EXPECT_EQ(answer["collecting"], true);
  EXPECT_FALSE(answer.contains("reason"));
  EXPECT_EQ(answer["cpus"][0]["net_rx_ns"], 5'000'000);
  EXPECT_EQ(answer["cpus"][0]["interfaces"][0]["work_count"], 125);
  EXPECT_FALSE(answer["cpus"][1].contains("net_rx_ns"));
  EXPECT_FALSE(answer["cpus"][1].contains("softnet"));
  EXPECT_EQ(answer["interfaces"][0]["counters"], json({{"rx_packets", 1000}, {"rx_missed_errors", 4}, {"tx_packets", 900}}));
  EXPECT_FALSE(answer["interfaces"][1].contains("counters"));
  EXPECT_EQ(answer["drops"][1], json({{"reason", "NO_SOCKET"}, {"count", 2}, {"ifindex", 5}, {"other_namespace", false}}));
  const json& stream = answer["threads"][0]["sockets"][1];
  EXPECT_FALSE(stream.contains("fd"));
  EXPECT_EQ(stream["arrival_to_copy"], json({{"sum_ns", 4'000}, {"longest_ns", 1'500}}));
  EXPECT_EQ(stream["unqueued_count"], 4);
  EXPECT_EQ(answer["threads"][1]["reason"], "its target does not ask");
  EXPECT_EQ(answer["retransmits"][0]["tid"], 12);
  EXPECT_FALSE(answer["retransmits"][1].contains("tid"));
}

TEST_F(NetworkVerbTest, WhoAsksNobodyIsToldHow) {
  v1::QueryNetworkResponse response;
  response.set_reason("no running target asks: attach one");
  response.add_missing("sockets' datagrams: no tracepoint");
  response.set_unlisted_read_count(3);
  const std::string text = NetworkText(response, false);
  EXPECT_THAT(text, HasSubstr("not counted now: no running target asks: attach one\n"));
  EXPECT_THAT(text, HasSubstr("unavailable: sockets' datagrams: no tracepoint\n"));
  EXPECT_THAT(text, HasSubstr("invisible"));
  EXPECT_THAT(WarningsOf(response), ElementsAre("packets are not counted now: no running target asks: attach one",
                                                "not available: sockets' datagrams: no tracepoint"));
}

TEST_F(NetworkVerbTest, WhatTablesHadNoPlaceForIsSaidAndIsNoWarningForEver) {
  v1::QueryNetworkResponse response;
  response.set_collecting(true);
  response.set_unlisted_drop_count(2);
  response.set_unlisted_read_count(3);
  const std::string text = NetworkText(response, false);
  EXPECT_THAT(text, HasSubstr("2 drops of all, of reasons and interfaces that found no place"));
  EXPECT_THAT(text, HasSubstr("3 reads were from sockets that found no place"));
  EXPECT_THAT(text, Not(HasSubstr("no packet was dropped")));
  EXPECT_THAT(WarningsOf(response), IsEmpty());
}

TEST_F(NetworkVerbTest, ThatNothingWasDroppedIsSaidOnlyWhereAllDropsWouldBeKnown) {
  v1::QueryNetworkResponse response;
  response.set_collecting(true);
  EXPECT_THAT(WarningsOf(response), IsEmpty());
  EXPECT_THAT(NetworkText(response, false), HasSubstr("no packet was dropped"));
  EXPECT_THAT(NetworkText(response, false, "eth0"),
              AllOf(HasSubstr("no drop of packets that arrived through eth0 is known"), Not(HasSubstr("no packet was dropped"))));
  response.add_missing("drops by reason: this kernel has no tracepoint kfree_skb");
  EXPECT_THAT(NetworkText(response, false), Not(HasSubstr("no packet was dropped")));
}

TEST_F(NetworkVerbTest, WhatNobodyEverCountedIsNotZero) {
  v1::QueryNetworkResponse response;
  v1::CpuNetwork* cpu = response.add_cpus();
  cpu->set_net_rx_count(40);
  response.add_interfaces()->mutable_polls()->set_name("lo");
  EXPECT_THAT(NetworkText(response, false), HasSubstr("  0      40     -       -     -      -        -     -         -              -\n"));
  Json answer = NetworkJson(response);
  EXPECT_FALSE(answer.contains("drops"));
  EXPECT_FALSE(answer.contains("retransmit_count"));
  EXPECT_FALSE(answer["interfaces"][0].contains("poll_count"));
  // Once they were counted the sums stay, though nobody asks now.
  response.mutable_interfaces(0)->mutable_polls()->set_poll_count(5);
  EXPECT_THAT(NetworkText(response, false), HasSubstr("  0      40     -       -     -      0        0     0         -              -\n"));
  answer = NetworkJson(response);
  EXPECT_EQ(answer["drops"], json::array());
  EXPECT_EQ(answer["retransmit_count"], 0);
  EXPECT_EQ(answer["interfaces"][0]["poll_count"], 5);
}

}  // namespace
}  // namespace hftmon
