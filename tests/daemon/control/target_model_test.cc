// Random sequences of what clients and processes do, against what must always hold.
#include <random>

#include "tests/daemon/control/registry_fixture.h"

namespace hftmon {
namespace {

class Model {
 public:
  Model(uint32_t seed, uint32_t slot_count, uint32_t targets_max) : host_(slot_count, targets_max), random_(seed) {}

  // `lossy`: now and then events are lost, and a resync follows.
  void Run(int steps, bool lossy) {
    for (int step = 0; step < steps; ++step) {
      if (lossy && Chance(20)) host_.hooks.LoseEvents(true);
      for (int i = Below(8); i >= 0; --i) Step();
      if (Chance(2)) host_.PumpAll();
      host_.clock.AdvanceNs(Below(30) * 1'000'000);
      host_.registry.Maintain();
      if (lossy) {
        host_.hooks.LoseEvents(false);
        host_.PumpAll();
        host_.registry.Resync();
      }
      if (Chance(4)) {
        lease_.reset();
        host_.Settle();
        host_.CheckInvariants("step " + std::to_string(step));
        if (::testing::Test::HasFailure()) return;
      }
    }
    lease_.reset();
    EXPECT_TRUE(host_.DetachAll().ok());
    host_.Settle();
    host_.CheckInvariants("all detached");
    EXPECT_EQ(host_.stack.size(), host_.slots.size() - 1);
  }

  uint64_t attach_count() const { return attach_count_; }
  uint64_t rule_count() const { return rule_count_; }

 private:
  int Below(int limit) { return static_cast<int>(random_() % static_cast<uint32_t>(limit)); }
  bool Chance(int one_in) { return Below(one_in) == 0; }

  // Few numbers, so that they are used again and again.
  uint32_t AnyId() { return 10 + static_cast<uint32_t>(Below(40)); }
  // A process or thread that exists, else 0.
  uint32_t AnyTask(bool leader) {
    std::vector<TaskInfo> tasks = host_.tasks.All();
    std::erase_if(tasks, [leader](const TaskInfo& task) { return leader && task.tid != task.tgid; });
    return tasks.empty() ? 0 : tasks[random_() % tasks.size()].tid;
  }
  // A number that no task has and that is no process's either.
  uint32_t FreeId() {
    for (int i = 0; i < 100; ++i) {
      const uint32_t id = AnyId();
      if (!host_.tasks.Get(id).has_value() && host_.tasks.Of(id).empty()) return id;
    }
    return 0;
  }

  void Step() {
    switch (Below(18)) {
      case 14:
        return SessionStep();
      case 15:
        return RuleStep();
      case 16:
        if (const uint32_t any = AnyTask(false); any != 0) host_.hooks.Visit(any, static_cast<uint16_t>(Below(4)));
        return;
      case 17:
        if (const uint32_t leader = AnyTask(true); leader != 0) host_.facts.Move(leader, Chance(2) ? "/trading/engine" : "/");
        return;
      case 0:
      case 1:
        return Attach();
      case 2:
        (void)host_.Detach({static_cast<int32_t>(AnyId())}, AnySession());
        return;
      case 3:
        (void)host_.registry.Update(static_cast<int32_t>(AnyId()), {.state = TargetState::kPaused});
        return;
      case 4:
        (void)host_.registry.Update(
            static_cast<int32_t>(AnyId()),
            {.blocked_threshold_ns = Chance(2) ? 0 : 1'000 * (1 + Below(9)), .follow_children = Chance(2), .state = TargetState::kRunning});
        return;
      case 5:
        if (lease_ != nullptr) return lease_.reset();
        lease_ = *host_.registry.LeaseThresholds(1'000 * (1 + Below(60)), 0);
        return;
      case 6:
        return host_.registry.Maintain();
      default:
        return ProcessStep();
    }
  }

  void Attach() {
    std::vector<int32_t> pids;
    if (!Chance(4)) pids.push_back(static_cast<int32_t>(AnyTask(true)));
    for (int i = Below(3); i > 0; --i) pids.push_back(static_cast<int32_t>(Chance(2) ? AnyId() : AnyTask(true)));
    const TargetOptions options{
        .spike_threshold_ns = 1'000 * Below(60), .sampling_interval_ns = 1'000'000 * Below(20), .follow_children = Chance(2)};
    // What processes do while they are being attached.
    host_.tasks.AfterEnumeration([this](int) {
      if (Chance(3)) ProcessStep();
    });
    if (host_.Attach(pids, options.spike_threshold_ns == 0 ? TargetOptions{} : options, AnySession()).ok()) ++attach_count_;
    host_.tasks.AfterEnumeration({});
  }

  void SessionStep() {
    if (sessions_.size() < 3 && Chance(2)) return sessions_.push_back(*host_.registry.OpenSession("model"));
    if (sessions_.empty()) return;
    const size_t which = random_() % sessions_.size();
    host_.registry.CloseSession(sessions_[which]);
    sessions_.erase(sessions_.begin() + static_cast<std::ptrdiff_t>(which));
  }
  // That of a session, or the one that persists.
  uint64_t AnySession() { return sessions_.empty() || Chance(2) ? 0 : sessions_[random_() % sessions_.size()]; }

  void RuleStep() {
    const std::vector<std::pair<RuleSelector::Kind, std::string>> texts = {{RuleSelector::Kind::kName, "worker"},
                                                                           {RuleSelector::Kind::kName, "execed"},
                                                                           {RuleSelector::Kind::kCgroup, "/trading"},
                                                                           {RuleSelector::Kind::kCpus, "1-2"}};
    const auto& [kind, text] = texts[random_() % texts.size()];
    const RuleSelector rule = *MakeRuleSelector(kind, text);
    if (Chance(2)) {
      (void)host_.DetachRule(rule, AnySession());
      return;
    }
    if (host_.AttachRule(rule, {.spike_threshold_ns = 1'000 * (1 + Below(60)), .follow_children = Chance(2)}, AnySession()).ok()) {
      ++rule_count_;
    }
  }

  void ProcessStep() {
    const uint32_t free_id = FreeId();
    const uint32_t leader = AnyTask(true);
    const uint32_t any = AnyTask(false);
    switch (Below(7)) {
      case 0:
        if (free_id != 0) host_.hooks.StartProcess(free_id);
        return;
      case 1:
        if (free_id != 0 && leader != 0) host_.hooks.ForkProcess(leader, free_id);
        return;
      case 2:
      case 3:
        if (free_id != 0 && leader != 0) host_.hooks.StartThread(leader, free_id);
        return;
      case 4:
        if (any != 0) host_.hooks.EndThread(any);
        return;
      case 5:
        if (leader != 0 && Chance(2)) host_.hooks.EndProcess(leader);
        return;
      default:
        if (any != 0) host_.hooks.Exec(host_.tasks.Get(any)->tgid, any, "execed");
        return;
    }
  }

  FakeHost host_;
  std::mt19937 random_;
  std::unique_ptr<ThresholdLease> lease_;
  std::vector<uint64_t> sessions_;
  uint64_t attach_count_ = 0;
  uint64_t rule_count_ = 0;
};

TEST(TargetModelTest, RandomHistoriesLeakNothing) {
  uint64_t attach_count = 0;
  uint64_t rule_count = 0;
  for (uint32_t seed = 1; seed <= 200 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Model model(seed, 65, 16);
    model.Run(60, false);
    attach_count += model.attach_count();
    rule_count += model.rule_count();
  }
  EXPECT_GT(attach_count, 2'000u) << "the histories hardly attach: they test nothing";
  EXPECT_GT(rule_count, 500u) << "the histories hardly have rules";
}

TEST(TargetModelTest, RandomHistoriesOnAFullHostLeakNothing) {
  for (uint32_t seed = 1; seed <= 200 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Model(seed, 9, 4).Run(60, false);
  }
}

TEST(TargetModelTest, RandomHistoriesWithLostEventsLeakNothing) {
  for (uint32_t seed = 1; seed <= 200 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Model(seed, 65, 16).Run(60, true);
  }
}

}  // namespace
}  // namespace hftmon
