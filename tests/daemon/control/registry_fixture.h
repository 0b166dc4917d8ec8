// The registry on a made-up host: its memory, its processes, a clock that the test moves. Events wait in a queue until Settle() or
// PumpAll().
#ifndef HFTMON_TESTS_DAEMON_CONTROL_REGISTRY_FIXTURE_H_
#define HFTMON_TESTS_DAEMON_CONTROL_REGISTRY_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/control/target_registry.h"
#include "tests/fakes/fake_life_hooks.h"
#include "tests/fakes/fake_monotonic_clock.h"
#include "tests/fakes/fake_process_facts.h"
#include "tests/fakes/fake_slot_stack.h"
#include "tests/fakes/fake_task_source.h"

namespace hftmon {

inline constexpr uint32_t kOwnPid = 7;
inline constexpr uint32_t kPidBound = 4096;

struct FakeHost {
  explicit FakeHost(uint32_t slot_count, uint32_t targets_max = 16)
      : watched_bits(kPidBound / 64),
        slot_of_tid(kPidBound),
        slots(slot_count),
        kernel(slot_count),
        socket_paths(4),
        view{.controls = &controls,
             .watched_bits = watched_bits,
             .slot_of_tid = slot_of_tid,
             .slots = slots,
             .cpus = cpus,
             .audits = audits,
             .rule_names = rule_names,
             .kernel = kernel,
             .hardware = hardware,
             .network = network,
             .deferred = deferred,
             .socket_paths = socket_paths},
        stack(slot_count),
        earlier_sleeps(slot_count),
        hooks(view, &stack, &tasks, [this](const LifeEvent& event) { Queue(event); }),
        registry(view, &tasks, &stack, &clock,
                 {.own_pid = kOwnPid,
                  .targets_max = targets_max,
                  .facts = &facts,
                  .earlier_sleeps = &earlier_sleeps,
                  .attach_demanded = [this](const ProgramDemand& wanted) { return attach_demanded(wanted); },
                  .on_demand = [this](const ProgramDemand& wanted) { demand = wanted; }},
                 [this](const ThresholdSettings& settings) { observed = settings; }) {}

  void Queue(const LifeEvent& event) {
    std::lock_guard lock(events_mutex);
    events.push_back(event);
  }
  std::optional<LifeEvent> NextEvent() {
    std::lock_guard lock(events_mutex);
    if (events.empty()) return std::nullopt;
    const LifeEvent event = events.front();
    events.pop_front();
    return event;
  }
  void PumpAll() {
    while (std::optional<LifeEvent> event = NextEvent()) registry.Pump(*event);
  }
  // All events pumped, and enough time gone for audits, checks of every target and grace times.
  void Settle() {
    PumpAll();
    for (int turn = 0; turn < 12; ++turn) {
      clock.AdvanceNs(500'000'000);
      registry.Maintain();
    }
    // A rule's process that does not fit is tried again at each look: what the last one gave and took back.
    for (int turn = 0; turn < 2; ++turn) {
      clock.AdvanceNs(SlotTable::kGraceNs);
      registry.Maintain();
    }
  }

  absl::Status Attach(std::vector<int32_t> pids, const TargetOptions& options = {}, uint64_t session = 0) {
    return registry.Attach({.pids = pids, .options = options, .session_id = session}).status();
  }
  absl::Status AttachRule(const RuleSelector& rule, const TargetOptions& options = {}, uint64_t session = 0) {
    return registry.Attach({.selectors = {&rule, 1}, .options = options, .session_id = session}).status();
  }
  absl::Status Detach(std::vector<int32_t> pids, uint64_t session = 0) {
    return registry.Detach({.pids = pids, .session_id = session}).status();
  }
  absl::Status DetachRule(const RuleSelector& rule, uint64_t session = 0) {
    return registry.Detach({.selectors = {&rule, 1}, .session_id = session}).status();
  }
  absl::Status DetachAll() { return registry.Detach({.all = true}).status(); }
  std::optional<TargetInfo> Target(uint32_t pid) const {
    for (const TargetInfo& info : registry.List()) {
      if (info.pid == pid && info.state != TargetState::kEnded) return info;
    }
    return std::nullopt;
  }
  std::vector<uint32_t> PidsIn(TargetState state) const {
    std::vector<uint32_t> pids;
    for (const TargetInfo& info : registry.List()) {
      if (info.state == state) pids.push_back(info.pid);
    }
    return pids;
  }
  bool HasOwnSlot(uint32_t tid) const {
    const uint16_t slot = hooks.PublishedSlotOf(tid);
    return slot != HFT_NO_SLOT && slots[slot].state == HFT_SLOT_LIVE && slots[slot].tid == tid;
  }

  // Who holds what, and that the options are the union of it.
  void CheckParts() {
    std::set<uint32_t> rules;
    for (const RuleInfo& rule : registry.Rules()) {
      rules.insert(rule.id);
      EXPECT_FALSE(rule.holders.empty()) << "nobody holds the rule " << rule.selector.text;
    }
    for (const TargetInfo& info : registry.List()) {
      if (info.state == TargetState::kEnded) continue;
      ASSERT_FALSE(info.holders.empty()) << "nobody holds target " << info.pid;
      TargetOptions united = info.holders[0].options;
      for (const HolderInfo& holder : info.holders) {
        united = UniteTargetOptions(united, holder.options);
        EXPECT_TRUE(holder.rule_id == 0 || rules.contains(holder.rule_id)) << "target " << info.pid << " is held by a rule that is gone";
      }
      EXPECT_EQ(info.options.spike_threshold_ns, united.spike_threshold_ns);
      EXPECT_EQ(info.options.follow_children, united.follow_children);
    }
  }

  // What must hold when all is settled.
  void CheckInvariants(const std::string& where) {
    SCOPED_TRACE(where);
    size_t in_use = 0;
    for (uint32_t slot = 1; slot < slots.size(); ++slot) {
      if (stack.IsFree(static_cast<uint16_t>(slot))) {
        EXPECT_EQ(slots[slot].state, HFT_SLOT_FREE) << "free slot " << slot << " is not zeroed";
        continue;
      }
      ++in_use;
      const hft_thread_slot& words = slots[slot];
      EXPECT_EQ(words.state, HFT_SLOT_LIVE) << "slot " << slot << " of thread " << words.tid << " leaked";
      EXPECT_EQ(slot_of_tid[words.tid], slot) << "slot " << slot << " of thread " << words.tid << " is not the published one";
      EXPECT_TRUE(Target(words.tgid).has_value()) << "slot " << slot << " belongs to process " << words.tgid << ", which is no target";
    }
    EXPECT_EQ(stack.size() + in_use, slots.size() - 1);
    CheckTables();
    CheckParts();
    CheckThresholds();
  }

  void CheckTables() {
    std::map<uint32_t, TargetState> state_of;
    for (const TargetInfo& info : registry.List()) {
      if (info.state == TargetState::kEnded) continue;
      state_of[info.pid] = info.state;
      EXPECT_FALSE(tasks.Of(info.pid).empty()) << "target " << info.pid << " has no thread";
    }
    for (uint32_t pid = 0; pid < kPidBound; ++pid) {
      const bool running = state_of.contains(pid) && state_of[pid] == TargetState::kRunning;
      EXPECT_EQ(hooks.IsWatched(pid), running) << "bit of process " << pid;
      if (slot_of_tid[pid] != HFT_NO_SLOT) {
        EXPECT_EQ(slots[slot_of_tid[pid]].tid, pid) << "slot_of_tid of " << pid << " is stale";
      }
    }
    for (const auto& [pid, state] : state_of) {
      if (state != TargetState::kRunning) continue;
      uint64_t without = 0;
      for (const TaskInfo& thread : tasks.Of(pid)) without += HasOwnSlot(thread.tid) ? 0 : 1;
      EXPECT_EQ(without, Target(pid)->unslotted_thread_count) << "threads of " << pid << " without a slot";
      EXPECT_TRUE(without == 0 || stack.size() == 0) << "threads of " << pid << " have no slot though slots are free";
    }
  }

  void CheckThresholds() {
    ThresholdSettings minimum{.run_queue_threshold_ns = kNoThresholdNs, .sampling_interval_ns = kNoThresholdNs};
    std::set<int64_t> levels;
    std::set<int64_t> blocked_levels;
    for (const TargetInfo& info : registry.List()) {
      if (info.state != TargetState::kRunning) continue;
      minimum.run_queue_threshold_ns = std::min(minimum.run_queue_threshold_ns, info.options.spike_threshold_ns);
      minimum.sampling_interval_ns = std::min(minimum.sampling_interval_ns, info.options.sampling_interval_ns);
      levels.insert(info.options.spike_threshold_ns);
      minimum.held_up.kernel_stalls |= HasProbeGroup(info.options, kMemoryGroup) || HasProbeGroup(info.options, kKernelLocksGroup);
      if (info.options.blocked_threshold_ns > 0) {
        minimum.blocked_threshold_ns = std::min(minimum.blocked_threshold_ns, info.options.blocked_threshold_ns);
        blocked_levels.insert(info.options.blocked_threshold_ns);
      }
    }
    if (minimum.run_queue_threshold_ns == kNoThresholdNs) minimum = {.run_queue_threshold_ns = 50'000, .sampling_interval_ns = 10'000'000};
    if (levels.empty()) levels = {50'000};
    minimum.run_queue_levels_ns.assign(levels.begin(), levels.end());
    minimum.blocked_levels_ns.assign(blocked_levels.begin(), blocked_levels.end());
    EXPECT_EQ(registry.thresholds(), minimum);
    EXPECT_EQ(observed, minimum);
    EXPECT_EQ(controls.run_queue_threshold_ns, static_cast<uint64_t>(minimum.run_queue_threshold_ns));
    EXPECT_EQ(controls.off_cpu_threshold_ns,
              minimum.blocked_threshold_ns == kNoThresholdNs ? HFT_NO_THRESHOLD : static_cast<uint64_t>(minimum.blocked_threshold_ns));
  }

  hft_controls controls{};
  std::vector<uint64_t> watched_bits;
  std::vector<uint16_t> slot_of_tid;
  std::vector<hft_thread_slot> slots;
  std::vector<hft_thread_kernel> kernel;
  std::vector<hft_cpu_hardware> hardware{4};
  std::vector<hft_cpu_deferred> deferred{4};
  std::vector<hft_socket_path> socket_paths;
  std::vector<hft_cpu_network> network{4};
  std::vector<hft_cpu> cpus{4};
  std::vector<hft_audit> audits{4};
  std::vector<hft_rule_name> rule_names{HFT_RULE_NAMES_MAX};
  FakeProcessFacts facts;
  KernelView view;
  FakeSlotStack stack;
  EarlierSleeps earlier_sleeps;
  FakeTaskSource tasks;
  FakeMonotonicClock clock;
  ThresholdSettings observed;
  std::mutex events_mutex;
  std::deque<LifeEvent> events;
  FakeLifeHooks hooks;
  std::function<absl::Status(const ProgramDemand&)> attach_demanded = [](const ProgramDemand&) { return absl::OkStatus(); };
  ProgramDemand demand;
  TargetRegistry registry;
};

class RegistryTest : public ::testing::Test {
 protected:
  FakeHost host{65};
  FakeLifeHooks& hooks = host.hooks;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_CONTROL_REGISTRY_FIXTURE_H_
