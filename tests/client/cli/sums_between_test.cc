// MemoryBetween, LocksBetween, NetworkBetween.
#include <gtest/gtest.h>

#include "client/cli/locks_between.h"
#include "client/cli/memory_between.h"
#include "client/cli/network_between.h"

namespace hftmon {
namespace {

void Name(v1::ThreadId* thread, int32_t tid, int64_t start_ns) {
  thread->set_tid(tid);
  thread->set_start_boottime_ns(start_ns);
}

v1::QueryMemoryResponse MemoryOf(int32_t tid, int64_t start_ns, uint64_t minor, uint64_t shootdowns) {
  v1::QueryMemoryResponse answer;
  v1::ThreadMemory* thread = answer.add_threads();
  Name(thread->mutable_thread(), tid, start_ns);
  thread->set_available(true);
  thread->mutable_user_minor()->set_count(minor);
  thread->mutable_user_minor()->set_duration_ns(static_cast<int64_t>(minor) * 100);
  thread->mutable_user_minor()->set_longest_ns(900);
  thread->mutable_tlb()->set_remote_shootdown_count(shootdowns);
  return answer;
}

TEST(SumsBetweenTest, FaultsAreTheDifferenceAndTheLongestABound) {
  const v1::QueryMemoryResponse between = MemoryBetween(MemoryOf(5, 1, 10, 3), MemoryOf(5, 1, 17, 4));
  EXPECT_EQ(between.threads(0).user_minor().count(), 7u);
  EXPECT_EQ(between.threads(0).user_minor().duration_ns(), 700);
  EXPECT_EQ(between.threads(0).user_minor().longest_ns(), 900);
  EXPECT_EQ(between.threads(0).tlb().remote_shootdown_count(), 1u);
}

TEST(SumsBetweenTest, AThreadThatIsNewOrBeganAnewHasAllOfTheSecond) {
  EXPECT_EQ(MemoryBetween(MemoryOf(5, 1, 10, 3), MemoryOf(5, 2, 17, 4)).threads(0).user_minor().count(), 17u) << "another with its number";
  EXPECT_EQ(MemoryBetween(MemoryOf(5, 1, 10, 3), MemoryOf(5, 1, 4, 4)).threads(0).user_minor().count(), 4u) << "a pause";
  EXPECT_EQ(MemoryBetween({}, MemoryOf(5, 1, 4, 4)).threads(0).user_minor().count(), 4u);
}

v1::QueryLocksResponse LocksOf(std::vector<std::pair<std::string, uint64_t>> calls, uint64_t others) {
  v1::QueryLocksResponse answer;
  v1::ThreadCalls* thread = answer.add_threads();
  Name(thread->mutable_thread(), 5, 1);
  thread->set_available(true);
  for (const auto& [name, count] : calls) {
    v1::CallSum* call = thread->add_calls();
    call->set_name(name);
    call->set_count(count);
    call->set_blocked_ns(static_cast<int64_t>(count) * 10);
  }
  thread->mutable_others()->set_count(others);
  return answer;
}

TEST(SumsBetweenTest, CallsAreDifferencesAndThoseWithoutAnyAreLeftOut) {
  const v1::QueryLocksResponse between =
      LocksBetween(LocksOf({{"futex", 4}, {"read", 2}}, 1), LocksOf({{"read", 5}, {"futex", 4}, {"poll", 1}}, 3));
  ASSERT_EQ(between.threads(0).calls_size(), 2);
  EXPECT_EQ(between.threads(0).calls(0).name(), "read");
  EXPECT_EQ(between.threads(0).calls(0).count(), 3u);
  EXPECT_EQ(between.threads(0).calls(0).blocked_ns(), 30);
  EXPECT_EQ(between.threads(0).calls(1).name(), "poll");
  EXPECT_EQ(between.threads(0).others().count(), 2u);
}

TEST(SumsBetweenTest, CallsThatBeganAnewHaveAllOfTheSecond) {
  EXPECT_EQ(LocksBetween(LocksOf({{"futex", 4}}, 0), LocksOf({{"futex", 3}}, 0)).threads(0).calls(0).count(), 3u);
  EXPECT_EQ(LocksBetween(LocksOf({{"futex", 4}}, 0), LocksOf({{"read", 5}}, 0)).threads(0).calls(0).count(), 5u);
}

v1::QueryNetworkResponse NetworkOf(uint64_t scale, uint32_t ifindex) {
  v1::QueryNetworkResponse answer;
  v1::CpuNetwork* cpu = answer.add_cpus();
  cpu->set_cpu(1);
  cpu->set_net_rx_ns(static_cast<int64_t>(scale) * 1'000);
  cpu->mutable_softnet()->set_time_squeeze_count(static_cast<uint32_t>(scale) - 5);
  v1::InterfaceNetwork* interface = answer.add_interfaces();
  interface->mutable_polls()->set_name("eth0");
  interface->mutable_polls()->set_ifindex(ifindex);
  interface->mutable_polls()->set_poll_count(scale);
  interface->mutable_counters()->set_rx_dropped(scale * 2);
  v1::PacketDrops* drops = answer.add_drops();
  drops->set_reason("NO_SOCKET");
  drops->set_count(scale);
  v1::PacketDrops* same = answer.add_drops();
  same->set_reason("SOCKET_RCVBUFF");
  same->set_count(3);
  v1::ThreadNetwork* thread = answer.add_threads();
  Name(thread->mutable_thread(), 5, 1);
  v1::SocketPath* socket = thread->add_sockets();
  socket->set_local_port(80);
  socket->set_copied_count(scale);
  socket->mutable_arrival_to_copy()->set_sum_ns(static_cast<int64_t>(scale) * 50);
  answer.set_retransmit_count(scale);
  return answer;
}

TEST(SumsBetweenTest, PacketsAreDifferencesAndDropsWithoutAnyAreLeftOut) {
  const v1::QueryNetworkResponse between = NetworkBetween(NetworkOf(4, 2), NetworkOf(10, 2));
  EXPECT_EQ(between.cpus(0).net_rx_ns(), 6'000);
  EXPECT_EQ(between.cpus(0).softnet().time_squeeze_count(), 6u) << "modulo 2^32";
  EXPECT_EQ(between.interfaces(0).polls().poll_count(), 6u);
  EXPECT_EQ(between.interfaces(0).counters().rx_dropped(), 12u);
  ASSERT_EQ(between.drops_size(), 1);
  EXPECT_EQ(between.drops(0).reason(), "NO_SOCKET");
  EXPECT_EQ(between.drops(0).count(), 6u);
  EXPECT_EQ(between.threads(0).sockets(0).copied_count(), 6u);
  EXPECT_EQ(between.threads(0).sockets(0).arrival_to_copy().sum_ns(), 300);
  EXPECT_EQ(between.retransmit_count(), 6u);
}

// An interface gets its number with the first poll that is counted.
TEST(SumsBetweenTest, AnInterfaceIsTheSameBeforeItsFirstPoll) {
  EXPECT_EQ(NetworkBetween(NetworkOf(4, 0), NetworkOf(10, 2)).interfaces(0).counters().rx_dropped(), 12u);
}

}  // namespace
}  // namespace hftmon
