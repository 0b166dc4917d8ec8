#include "daemon/shared_network_totals.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <thread>
#include <type_traits>

#include "tests/fakes/fake_kernel_view.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SharedNetworkTotalsTest : public ::testing::Test {
 protected:
  SharedNetworkTotalsTest() {
    kernel_.Follow({.slot = 1, .tid = 101, .tgid = 100, .start_ns = 7});
    kernel_.view().slots[1].wishes.probes = HFT_NETWORK;
  }
  hft_cpu_network& Cpu(size_t cpu) { return kernel_.view().network[cpu]; }
  hft_socket_path& AddSocket(size_t row) {
    hft_socket_path& path = kernel_.view().socket_paths[row];
    path.sock = 0x1000 * (row + 1);
    path.slot = 1;
    path.generation = kernel_.view().slots[1].generation;
    return path;
  }
  SharedNetworkTotals Totals() {
    return SharedNetworkTotals({.view = kernel_.view(),
                                .high_water = [] { return 8u; },
                                .collecting = [this] { return collecting_; },
                                .refusal = refusal_,
                                .missing = {"sockets' datagrams: none"},
                                .reasons = DropReasons({{6, "SKB_DROP_REASON_SOCKET_RCVBUFF"}}),
                                .own_namespace = 40});
  }

  FakeKernelView kernel_;
  bool collecting_ = true;
  std::string refusal_;
};

TEST_F(SharedNetworkTotalsTest, PollsAreToldByCpuAndInterface) {
  hft_interface_row& eth0 = Cpu(1).interfaces[7];
  eth0 = {.device = 0xabc,
          .poll_count = 9,
          .work_count = 30,
          .full_count = 2,
          .untimed_count = 1,
          .self_ns = 5'000,
          .ifindex = 2,
          .namespace_id = 40};
  std::strcpy(eth0.name, "eth0");
  Cpu(1).interfaces[8] = {.device = 0xdef, .poll_count = 1, .ifindex = 2, .namespace_id = 41};
  Cpu(1).interfaces[HFT_INTERFACE_BACKLOG].poll_count = 4;
  Cpu(1).interfaces[0].poll_count = 3;
  const NetworkTotal total = Totals().Read();
  EXPECT_TRUE(total.collecting);
  EXPECT_THAT(total.missing, ElementsAre("sockets' datagrams: none"));
  ASSERT_EQ(total.polls.size(), 2u);
  EXPECT_THAT(total.polls[0], IsEmpty());
  ASSERT_EQ(total.polls[1].size(), 4u);
  EXPECT_EQ(total.polls[1][0].name, "others");
  EXPECT_EQ(total.polls[1][1].name, "backlog");
  const InterfacePollTotal& polls = total.polls[1][2];
  EXPECT_EQ(polls.name, "eth0");
  EXPECT_EQ(polls.device, 0xabcu);
  EXPECT_EQ(polls.ifindex, 2u);
  EXPECT_FALSE(polls.other_namespace);
  EXPECT_EQ(polls.poll_count, 9u);
  EXPECT_EQ(polls.work_count, 30u);
  EXPECT_EQ(polls.full_count, 2u);
  EXPECT_EQ(polls.untimed_count, 1u);
  EXPECT_EQ(polls.self_ns, 5'000);
  EXPECT_TRUE(total.polls[1][3].other_namespace);
}

TEST_F(SharedNetworkTotalsTest, DropsOfAllCpusAreOneByReasonAndInterface) {
  Cpu(0).drops[3] = {.count = 5, .reason = 6, .ifindex = 2};
  Cpu(1).drops[9] = {.count = 7, .reason = 6, .ifindex = 2};
  Cpu(1).drops[4] = {.count = 20, .reason = 99, .ifindex = 3, .namespace_id = 41};
  std::strcpy(Cpu(1).drops[4].name, "veth9");
  Cpu(0).unlisted_drop_count = 2;
  Cpu(1).unlisted_drop_count = 3;
  const NetworkTotal total = Totals().Read();
  ASSERT_EQ(total.drops.size(), 2u);
  EXPECT_EQ(total.drops[0].reason, "reason 99");
  EXPECT_EQ(total.drops[0].interface, "veth9");
  EXPECT_TRUE(total.drops[0].other_namespace);
  EXPECT_EQ(total.drops[1].reason, "SOCKET_RCVBUFF");
  EXPECT_EQ(total.drops[1].count, 12u);
  EXPECT_EQ(total.drops[1].ifindex, 2u);
  EXPECT_FALSE(total.drops[1].other_namespace) << "not known is not another";
  EXPECT_EQ(total.unlisted_drop_count, 5u);
}

TEST_F(SharedNetworkTotalsTest, RetransmitsOfAllCpusAreOneByConnectionAndSomebodyMayBeKnown) {
  hft_retransmit_row row = {.count = 2, .family = AF_INET, .local_port = 5000, .remote_port = 80};
  inet_pton(AF_INET, "10.1.2.3", row.remote);
  Cpu(0).retransmits[1] = row;
  row.count = 3;
  row.tid = 101;
  row.tgid = 100;
  Cpu(1).retransmits[2] = row;
  Cpu(0).retransmit_count = 2;
  Cpu(1).retransmit_count = 4;
  const NetworkTotal total = Totals().Read();
  ASSERT_EQ(total.retransmits.size(), 1u);
  EXPECT_EQ(total.retransmits[0].count, 5u);
  EXPECT_EQ(total.retransmits[0].remote_address, "10.1.2.3");
  EXPECT_EQ(total.retransmits[0].tid, 101u);
  EXPECT_EQ(total.retransmit_count, 6u);
}

TEST_F(SharedNetworkTotalsTest, AThreadsSocketsAreThoseThatItReadLast) {
  hft_socket_path& path = AddSocket(3);
  path.fd = 12;
  path.family = AF_INET6;
  path.protocol = IPPROTO_TCP;
  path.local_port = 443;
  path.remote_port = 5000;
  inet_pton(AF_INET6, "fe80::1", path.remote);
  path.copied_count = 9;
  path.unmatched_count = 2;
  path.unqueued_count = 1;
  path.retransmit_count = 4;
  path.arrival_to_copy = {.sum_ns = 900, .longest_ns = 300};
  AddSocket(4).generation += 1;  // of an earlier owner of the slot
  AddSocket(5).sock = HFT_SOCKET_BUSY;
  AddSocket(6).slot = 2;
  const std::vector<ThreadNetworkTotal> threads = Totals().ThreadsOf(100);
  ASSERT_EQ(threads.size(), 1u);
  EXPECT_EQ(threads[0].thread, (ThreadKey{101, 100, 7}));
  ASSERT_EQ(threads[0].sockets.size(), 1u);
  const SocketTotal& socket = threads[0].sockets[0];
  EXPECT_EQ(socket.fd, 12);
  EXPECT_EQ(socket.local_address, "::");
  EXPECT_EQ(socket.remote_address, "fe80::1");
  EXPECT_EQ(socket.copied_count, 9u);
  EXPECT_EQ(socket.unmatched_count, 2u);
  EXPECT_EQ(socket.unqueued_count, 1u);
  EXPECT_EQ(socket.retransmit_count, 4u);
  EXPECT_EQ(socket.arrival_to_copy.sum_ns, 900);
  EXPECT_EQ(socket.arrival_to_copy.longest_ns, 300);
}

// What was read of a row while another thread's socket took it is told of neither.
TEST_F(SharedNetworkTotalsTest, ARowThatAnotherSocketTakesMeanwhileGivesNobodyTheOthersFigures) {
  kernel_.Follow({.slot = 2, .tid = 202, .tgid = 200, .start_ns = 7});
  kernel_.view().slots[2].wishes.probes = HFT_NETWORK;
  hft_socket_path& path = AddSocket(3);
  path.copied_count = 1;
  path.arrival_to_copy.sum_ns = 1;
  const uint32_t generations[] = {kernel_.view().slots[1].generation, kernel_.view().slots[2].generation};
  std::atomic<int> round = 0;
  std::atomic<bool> done = false;
  std::thread kernel([&] {
    const auto store = [](auto& word, auto value) {
      std::atomic_ref<std::remove_reference_t<decltype(word)>>(word).store(value, std::memory_order_seq_cst);
    };
    uint64_t sock = path.sock;
    for (uint32_t turn = 0; !done.load(std::memory_order_relaxed); turn = 1 - turn) {
      sock += 64;
      store(path.sock, HFT_SOCKET_BUSY);
      store(path.generation, 0u);
      store(path.copied_count, turn + 1);
      store(path.arrival_to_copy.sum_ns, turn + 1);
      store(path.sock, sock);
      store(path.slot, turn + 1);
      store(path.generation, generations[turn]);
      const int seen = round.load(std::memory_order_relaxed);
      while (round.load(std::memory_order_relaxed) == seen && !done.load(std::memory_order_relaxed)) std::this_thread::yield();
    }
  });
  const SharedNetworkTotals totals = Totals();
  int told = 0;
  int mixed = 0;
  for (; round.load(std::memory_order_relaxed) < 100'000; round.fetch_add(1, std::memory_order_relaxed)) {
    for (const uint32_t process : {1u, 2u}) {
      for (const ThreadNetworkTotal& thread : totals.ThreadsOf(process * 100)) {
        for (const SocketTotal& socket : thread.sockets) {
          ++told;
          mixed += socket.copied_count != process || socket.arrival_to_copy.sum_ns != process ? 1 : 0;
        }
      }
    }
  }
  done.store(true, std::memory_order_relaxed);
  kernel.join();
  std::printf("told %d times\n", told);
  EXPECT_GT(told, 0);
  EXPECT_EQ(mixed, 0);
}

TEST_F(SharedNetworkTotalsTest, WhyThereAreNoFiguresIsSaidWithTheMend) {
  collecting_ = false;
  AddSocket(0);
  EXPECT_THAT(Totals().Read().reason, HasSubstr("--probes network"));
  kernel_.view().slots[1].wishes.probes = HFT_MEMORY;
  ThreadNetworkTotal thread = Totals().ThreadsOf(100)[0];
  EXPECT_THAT(thread.unavailable, HasSubstr("--probes network"));
  EXPECT_THAT(thread.sockets, IsEmpty());
  refusal_ = "this kernel has none";
  EXPECT_EQ(Totals().Read().reason, "this kernel has none");
  EXPECT_EQ(Totals().ThreadsOf(100)[0].unavailable, "this kernel has none");
}

}  // namespace
}  // namespace hftmon
