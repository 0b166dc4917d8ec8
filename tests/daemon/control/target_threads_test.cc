// RPC threads, the control thread and the kernel's hooks at once: run under the thread sanitizer.
#include <random>
#include <thread>

#include "daemon/control/control_loop.h"
#include "tests/daemon/control/registry_fixture.h"

namespace hftmon {
namespace {

constexpr int kRounds = 400;

void ActAsClient(FakeHost* host, uint32_t seed) {
  std::mt19937 random(seed);
  for (int round = 0; round < kRounds; ++round) {
    const int32_t pid = static_cast<int32_t>(100 + random() % 4);
    switch (random() % 6) {
      case 0:
      case 1:
        (void)host->Attach({pid}, {.spike_threshold_ns = 1'000 + static_cast<int64_t>(random() % 50'000)});
        break;
      case 2:
        (void)host->Detach({pid});
        break;
      case 3:
        (void)host->registry.Update(pid, {.state = random() % 2 == 0 ? TargetState::kPaused : TargetState::kRunning});
        break;
      case 4: {
        const auto lease = host->registry.LeaseThresholds(2'000, 3'000);
        EXPECT_LE(host->registry.FloorsSince(host->clock.NowNs() + 1'000'000'000).run_queue_ns, 2'000);
        break;
      }
      default:
        EXPECT_LE(host->registry.List().size(), 16u + TargetRegistry::kEndedMax);
        (void)host->registry.counters();
    }
  }
}

// One process that makes and ends threads and children of its own numbers.
void ActAsProcess(FakeHost* host, uint32_t tgid) {
  const uint32_t ids = tgid * 10;
  for (int round = 0; round < kRounds; ++round) {
    const uint32_t id = ids + static_cast<uint32_t>(round % 8);
    if (round % 3 == 0) {
      host->hooks.ForkProcess(tgid, id);
      host->hooks.EndProcess(id);
    } else {
      host->hooks.StartThread(tgid, id);
      host->hooks.EndThread(id);
    }
  }
}

TEST(TargetThreadsTest, ClientsControlThreadAndForksDoNotDisturbEachOther) {
  FakeHost host(257);
  for (uint32_t tgid = 100; tgid < 104; ++tgid) host.hooks.StartProcess(tgid);
  std::atomic<bool> stop{false};
  std::thread control([&] {
    while (!stop.load(std::memory_order_relaxed)) {
      host.PumpAll();
      host.clock.AdvanceNs(5'000'000);
      host.registry.Maintain();
    }
  });
  std::vector<std::thread> actors;
  for (uint32_t seed = 1; seed <= 3; ++seed) actors.emplace_back(ActAsClient, &host, seed);
  for (uint32_t tgid = 100; tgid < 104; ++tgid) actors.emplace_back(ActAsProcess, &host, tgid);
  for (std::thread& actor : actors) actor.join();
  stop.store(true, std::memory_order_relaxed);
  control.join();
  host.Settle();
  host.CheckInvariants("after the storm");
}

}  // namespace
}  // namespace hftmon
