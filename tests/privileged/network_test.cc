// Packets against what their sender and reader, one thread, knows itself.
#include <algorithm>
#include <numeric>
#include <string>

#include "tests/privileged/harness/retransmit_witness.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;

constexpr char kPolled[] = "hftv1";  // the workload's

class NetworkTest : public PrivilegedTest {
 protected:
  // A workload that is watched with "network" and acts when it is told to; refused_ says why it cannot be made here, or that what it does
  // is not told by this kernel.
  std::unique_ptr<WorkloadRun> Reader(const DaemonUnderTest& daemon, const std::string& kind, int count, int delay_us,
                                      int64_t threshold_ns = 0) {
    auto run = std::make_unique<WorkloadRun>(
        "packet_reader", std::vector<std::string>{"--cpu", std::to_string(daemon.WorkloadCpu()), "--kind", kind, "--count",
                                                  std::to_string(count), "--delay-us", std::to_string(delay_us)});
    EXPECT_TRUE(run->about().is_object());
    refused_ = run->about().is_object() ? run->about()["refused"].get<std::string>() : "it did not start";
    if (refused_.empty() && (kind == "datagrams" || kind == "burst")) refused_ = WhyNoDatagrams(daemon);
    if (!refused_.empty()) return run;
    v1::AttachRequest request;
    request.add_pids(run->pid());
    request.mutable_options()->set_spike_threshold_ns(threshold_ns);
    request.mutable_options()->add_probe_groups("network");
    const auto attached = daemon.client().Attach(request);
    EXPECT_TRUE(attached.ok()) << attached.status();
    return run;
  }
  std::unique_ptr<WorkloadRun> Reader(const std::string& kind, int count, int delay_us = 2'000, int64_t threshold_ns = 0) {
    return Reader(daemon_, kind, count, delay_us, threshold_ns);
  }
  static v1::QueryNetworkResponse Network(const DaemonUnderTest& daemon) {
    const auto answer = daemon.client().QueryNetwork();
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? *answer : v1::QueryNetworkResponse();
  }
  v1::QueryNetworkResponse Network() const { return Network(daemon_); }
  // Empty: this kernel tells of datagrams (Linux 6.3).
  static std::string WhyNoDatagrams(const DaemonUnderTest& daemon) {
    const v1::QueryNetworkResponse answer = Network(daemon);
    for (const std::string& missing : answer.missing()) {
      if (missing.find("datagrams") != std::string::npos) return missing;
    }
    return "";
  }
  // The figures of the workload's socket; nothing copied when there are none.
  static v1::SocketPath SocketOf(const v1::QueryNetworkResponse& answer, const WorkloadRun& run) {
    for (const v1::ThreadNetwork& thread : answer.threads()) {
      if (thread.thread().tid() != run.about()["tid"].get<int32_t>()) continue;
      EXPECT_TRUE(thread.available()) << thread.reason();
      for (const v1::SocketPath& socket : thread.sockets()) {
        if (socket.local_port() == run.about()["port"].get<uint32_t>()) return socket;
      }
    }
    ADD_FAILURE() << "no socket of port " << run.about()["port"] << ": " << answer.ShortDebugString();
    return {};
  }
  // Of packets that came through loopback, whatever namespace's.
  static uint64_t DropsOf(const v1::QueryNetworkResponse& answer, const std::string& reason) {
    uint64_t count = 0;
    for (const v1::PacketDrops& drops : answer.drops()) count += drops.reason() == reason && drops.ifindex() == 1 ? drops.count() : 0;
    return count;
  }
  static bool PollsAreWithinTheirSoftirqs(const v1::QueryNetworkResponse& answer) {
    return std::all_of(answer.cpus().begin(), answer.cpus().end(), [](const v1::CpuNetwork& cpu) {
      const auto add = [](int64_t sum, const v1::InterfacePolls& polls) { return sum + polls.self_ns(); };
      return std::accumulate(cpu.interfaces().begin(), cpu.interfaces().end(), int64_t{0}, add) <= cpu.net_rx_ns();
    });
  }
  // All of `count` packets and the one before them were followed, but for the first and one in a hundred.
  static void ExpectFollowed(const v1::SocketPath& socket, int64_t count) {
    std::printf("%s: %llu packets followed, %llu not; arrival to queue %.1f us, to copy %.1f us (means)\n", socket.protocol().c_str(),
                static_cast<unsigned long long>(socket.copied_count()), static_cast<unsigned long long>(socket.unmatched_count()),
                static_cast<double>(socket.arrival_to_queue().sum_ns()) / 1e3 / static_cast<double>(count),
                static_cast<double>(socket.arrival_to_copy().sum_ns()) / 1e3 / static_cast<double>(count));
    EXPECT_EQ(socket.copied_count() + socket.unmatched_count(), static_cast<uint64_t>(count) + 1);
    EXPECT_LE(socket.unmatched_count(), static_cast<uint64_t>(count) / 100 + 1);
  }

  std::string refused_;
};

TEST_F(NetworkTest, EachDatagramIsFollowedToItsReader) {
  constexpr int kCount = 300;
  constexpr int64_t kDelayNs = 2'000'000;
  const auto run = Reader("datagrams", kCount);
  if (!refused_.empty()) GTEST_SKIP() << refused_;
  const json truth = run->Act();
  ASSERT_TRUE(truth.is_object());
  ASSERT_EQ(truth["read_count"], kCount);
  const v1::SocketPath socket = SocketOf(Network(), *run);
  ExpectFollowed(socket, kCount);
  EXPECT_EQ(socket.protocol(), "udp");
  EXPECT_EQ(socket.fd(), run->about()["fd"].get<int>());
  EXPECT_EQ(socket.local_address(), "127.0.0.1");
  EXPECT_EQ(socket.remote_address(), "") << "it is not connected";
  EXPECT_EQ(socket.unqueued_count(), 0u);
  // It is on its way a little less than from before it was sent to after it was read, and nearly all of that it waits for its reader.
  const auto truth_ns = truth["on_the_way_ns"].get<int64_t>();
  EXPECT_LE(socket.arrival_to_copy().sum_ns(), truth_ns);
  EXPECT_GE(socket.arrival_to_copy().sum_ns(), truth_ns * 9 / 10);
  EXPECT_GE(socket.queue_to_copy().sum_ns(), truth_ns * 8 / 10);
  EXPECT_GE(socket.queue_to_copy().longest_ns(), kDelayNs / 2);
  EXPECT_EQ(socket.arrival_to_queue().sum_ns() + socket.queue_to_copy().sum_ns(), socket.arrival_to_copy().sum_ns());
}

TEST_F(NetworkTest, DatagramsThatWaitInAQueueAreToldApart) {
  constexpr int kCount = 150;
  const auto run = Reader("burst", kCount, 0);
  if (!refused_.empty()) GTEST_SKIP() << refused_;
  const json truth = run->Act();
  ASSERT_TRUE(truth.is_object());
  ASSERT_EQ(truth["read_count"], kCount);
  const v1::SocketPath socket = SocketOf(Network(), *run);
  ExpectFollowed(socket, kCount);
  const auto truth_ns = truth["on_the_way_ns"].get<int64_t>();
  EXPECT_LE(socket.arrival_to_copy().sum_ns(), truth_ns + truth_ns / 10) << "each is the one that was read, not an older one";
  EXPECT_GE(socket.arrival_to_copy().sum_ns(), truth_ns / 2);
}

TEST_F(NetworkTest, SegmentsOfAStreamAreFollowedToTheirCopy) {
  constexpr int kCount = 200;
  const auto run = Reader("stream", kCount);
  if (!refused_.empty()) GTEST_SKIP() << refused_;
  const json truth = run->Act();
  ASSERT_TRUE(truth.is_object());
  const v1::SocketPath socket = SocketOf(Network(), *run);
  ExpectFollowed(socket, kCount);
  EXPECT_EQ(socket.protocol(), "tcp");
  EXPECT_EQ(socket.remote_address(), "127.0.0.1");
  const auto truth_ns = truth["on_the_way_ns"].get<int64_t>();
  EXPECT_LE(socket.arrival_to_copy().sum_ns(), truth_ns);
  EXPECT_GE(socket.arrival_to_copy().sum_ns(), truth_ns * 9 / 10);
}

TEST_F(NetworkTest, DropsOfAFullSocketAreCountedWithTheirReason) {
  constexpr int kCount = 500;
  const auto run = Reader("overflow", kCount, 0);
  if (!refused_.empty()) GTEST_SKIP() << refused_;
  const uint64_t before = DropsOf(Network(), "SOCKET_RCVBUFF");
  const json truth = run->Act();
  ASSERT_TRUE(truth.is_object());
  const auto lost_count = static_cast<uint64_t>(truth["sent_count"].get<int64_t>() - truth["read_count"].get<int64_t>());
  std::printf("%d datagrams sent, %llu dropped\n", kCount, static_cast<unsigned long long>(lost_count));
  ASSERT_GT(lost_count, 0u);
  const v1::QueryNetworkResponse after = Network();
  if (DropsOf(after, "not told (Linux before 5.17)") > 0) GTEST_SKIP() << "this kernel tells no reasons";
  const uint64_t told = DropsOf(after, "SOCKET_RCVBUFF") - before;
  EXPECT_GE(told, lost_count);
  EXPECT_LE(told, lost_count + lost_count / 20 + 10) << "others of the host may lose some too, but not many";
  if (const std::string why = WhyNoDatagrams(daemon_); !why.empty()) GTEST_SKIP() << why;
  const v1::SocketPath socket = SocketOf(after, *run);
  EXPECT_EQ(socket.copied_count() + socket.unmatched_count(), truth["read_count"].get<uint64_t>() + 1);
}

TEST_F(NetworkTest, RetransmitsAreCountedAndNameTheThreadThatReadsTheConnection) {
  const RetransmitWitness witness;
  const auto run = Reader("retransmit", 1, 700'000);
  if (!refused_.empty()) GTEST_SKIP() << refused_;
  const json truth = run->Act();
  ASSERT_TRUE(truth.is_object());
  ASSERT_EQ(truth["refused"], "");
  const auto sent_again = truth["retransmit_count"].get<uint64_t>();
  ASSERT_GT(sent_again, 0u);
  const v1::QueryNetworkResponse answer = Network();
  // A timer that fired on the CPU of a thread that the host hides sent some that no program was shown.
  const uint64_t shown = witness.Shown(run->about()["port"].get<uint16_t>());
  EXPECT_LE(shown, sent_again);
  if (shown == 0) GTEST_SKIP() << "the kernel showed none of " << sent_again << " segments that were sent again to any program";
  EXPECT_GE(answer.retransmit_count(), shown);
  uint64_t told = 0;
  for (const v1::TcpRetransmits& retransmits : answer.retransmits()) {
    if (retransmits.remote_port() != run->about()["port"].get<uint32_t>()) continue;
    told += retransmits.count();
    EXPECT_EQ(retransmits.tid(), run->about()["tid"].get<int32_t>());
    EXPECT_EQ(retransmits.remote_address(), "127.0.0.1");
  }
  EXPECT_EQ(told, shown);
  EXPECT_GE(DropsOf(answer, "SOCKET_FILTER"), shown) << "what its receiver did with all but the last";
}

TEST_F(NetworkTest, PollsOfAnInterfaceCountItsPacketsAndTheirTimeIsTheSoftirqs) {
  constexpr int kCount = 400;
  const auto run = Reader("veth", kCount, 0);
  if (!refused_.empty()) GTEST_SKIP() << refused_;
  const json truth = run->Act();
  ASSERT_TRUE(truth.is_object());
  if (truth["read_count"] == 0) GTEST_SKIP() << "no datagram came through the pair of interfaces";
  const v1::QueryNetworkResponse answer = Network();
  const std::string no_datagrams = WhyNoDatagrams(daemon_);
  if (no_datagrams.empty()) ExpectFollowed(SocketOf(answer, *run), kCount);
  uint64_t polls = 0;
  uint64_t packets = 0;
  for (const v1::CpuNetwork& cpu : answer.cpus()) {
    for (const v1::InterfacePolls& one : cpu.interfaces()) {
      if (one.name() != kPolled) continue;
      EXPECT_TRUE(one.other_namespace());
      polls += one.poll_count();
      packets += one.work_count();
      EXPECT_GT(one.self_ns(), 0);
    }
  }
  // A softirq that runs at the moment has polls in the one sum, and is not in the other until its end.
  EXPECT_TRUE(Eventually([&] { return PollsAreWithinTheirSoftirqs(Network(daemon_)); }));
  std::printf("%d packets: %llu in %llu polls\n", kCount, static_cast<unsigned long long>(packets), static_cast<unsigned long long>(polls));
  EXPECT_GT(polls, 0u);
  EXPECT_EQ(packets, static_cast<uint64_t>(kCount) + 1) << "with the one before";
  for (const v1::InterfaceNetwork& interface : answer.interfaces()) {
    if (interface.polls().name() != kPolled) continue;
    EXPECT_FALSE(interface.has_counters()) << "it is of another namespace";
  }
  if (!no_datagrams.empty()) GTEST_SKIP() << no_datagrams;
}

TEST_F(NetworkTest, ASpikeOfReceivingNamesTheInterfaceThatWasPolled) {
  constexpr int kCount = 40;
  const auto run = Reader("crowd", kCount, 1'000, 20'000);
  if (!refused_.empty()) GTEST_SKIP() << refused_;
  const json truth = run->Act();
  ASSERT_TRUE(truth.is_object());
  ASSERT_EQ(truth["sent_count"], kCount);
  const auto spikes = daemon_.Spikes(run->pid());
  ASSERT_TRUE(spikes.ok()) << spikes.status();
  int receiving = 0;
  int named = 0;
  for (const v1::Spike& spike : spikes->spikes()) {
    for (const v1::Cause& cause : spike.causes()) {
      if (cause.actor().name().substr(0, 6) != "NET_RX") continue;
      ++receiving;
      named += cause.actor().name() == "NET_RX (backlog)" ? 1 : 0;
    }
  }
  std::printf("%d of %d causes NET_RX name what was polled\n", named, receiving);
  if (receiving < 5) GTEST_SKIP() << "only " << receiving << " stretches of NET_RX were above 20 us";
  // A real interface's packet may come at the same time.
  EXPECT_GE(named, receiving * 8 / 10);
}

TEST_F(NetworkTest, RawTracepointsTellTheSame) {
  constexpr int kCount = 100;
  DaemonUnderTest raw({.arguments = {"--kernel-access", "raw"}});
  const absl::Status started = raw.Start();
  ASSERT_TRUE(started.ok()) << started;
  for (const std::string kind : {"stream", "datagrams"}) {
    const auto run = Reader(raw, kind, kCount, 1'000);
    if (!refused_.empty()) GTEST_SKIP() << refused_;
    const json truth = run->Act();
    ASSERT_TRUE(truth.is_object());
    const v1::SocketPath socket = SocketOf(Network(raw), *run);
    ExpectFollowed(socket, kCount);
    EXPECT_EQ(socket.fd(), -1) << "it needs a thread's registers";
  }
}

TEST_F(NetworkTest, WhoDoesNotAskIsToldSoAndTheProgramsGoWithTheLastWhoDoes) {
  const auto run = Reader("stream", 10, 100);
  if (!refused_.empty()) GTEST_SKIP() << refused_;
  const auto probe = [&] {
    const auto status = daemon_.client().GetStatus();
    EXPECT_TRUE(status.ok()) << status.status();
    if (!status.ok()) return v1::ProbeStatus();
    for (const v1::ProbeStatus& one : status->probes()) {
      if (one.name() == "on_packet_arrived") return one;
    }
    return v1::ProbeStatus();
  };
  EXPECT_FALSE(probe().detached());
  run->Act();
  EXPECT_GE(probe().run_count(), 10u);
  v1::UpdateTargetRequest update;
  update.set_pid(run->pid());
  update.mutable_options();
  update.mutable_options_mask()->add_paths("probe_groups");
  ASSERT_TRUE(daemon_.client().UpdateTarget(update).ok());
  EXPECT_TRUE(Eventually([&] { return probe().detached(); })) << "nobody asks any more";
  const v1::QueryNetworkResponse answer = Network();
  EXPECT_FALSE(answer.collecting());
  EXPECT_NE(answer.reason().find("--probes network"), std::string::npos);
  ASSERT_EQ(answer.threads_size(), 1);
  EXPECT_FALSE(answer.threads(0).available());
  EXPECT_NE(answer.threads(0).reason().find("--probes network"), std::string::npos);
}

}  // namespace
}  // namespace hftmon::testing
