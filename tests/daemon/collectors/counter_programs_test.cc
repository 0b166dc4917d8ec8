#include "daemon/collectors/counter_programs.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "tests/fakes/fake_perf_events.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr CounterWish kNothing = {};

class CounterProgramsTest : public ::testing::Test {
 protected:
  ~CounterProgramsTest() override { StopAsking(); }

  CounterPrograms::Parts Parts() {
    return {.admit = [this](const std::string&) { return quiet_ ? absl::FailedPreconditionError("quiet") : absl::OkStatus(); },
            .online = [this] { return online_; },
            .choose = [this](const CounterWish& wish, uint64_t* cross_call_count) -> absl::StatusOr<CounterChoice> {
              *cross_call_count = choice_cross_calls_;
              CounterChoice choice;
              for (const std::string& name : wish.events) {
                if (name == unknown_) return absl::NotFoundError(name);
                choice.events.push_back(
                    {.name = name, .encodings = {{.name = name, .type = PERF_TYPE_RAW, .config = static_cast<uint64_t>(name[0])}}});
              }
              return choice;
            },
            .calls = &kernel_,
            .facts = [] { return PerfEventRefusalFacts(); },
            .put_event = [this](uint32_t place, int fd) -> absl::Status {
              const size_t changed = fd >= 0 ? places_.emplace(place, fd).second : places_.erase(place);
              EXPECT_EQ(changed, 1u) << place;
              EXPECT_EQ(cpus_[place / HFT_THREAD_COUNTERS].epoch, 0u) << "a program may be reading";
              return absl::OkStatus();
            },
            .attach = [this](const std::string& program) -> absl::StatusOr<CounterPrograms::Attachment> {
              if (program == broken_) return absl::InternalError("broken");
              attached_.insert(program);
              return CounterPrograms::Attachment(this, [this, program](void*) { attached_.erase(program); });
            },
            .cpus = [this]() -> std::span<hft_cpu_counters> { return cpus_; },
            .control = [this] { return &control_; }};
  }
  void Settle(int turns) {
    for (int turn = 0; turn < turns; ++turn) programs_.Settle();
  }
  void StopAsking() {
    quiet_ = false;
    programs_.Want(kNothing);
    Settle(CounterPrograms::kPatienceTurns);
  }
  std::vector<uint32_t> Places() const {
    std::vector<uint32_t> places;
    for (const auto& [place, fd] : places_) places.push_back(place);
    return places;
  }

  FakePerfEvents kernel_{FakePerfEvents::Host(6)};
  uint64_t choice_cross_calls_ = 0;  // that the choice has sent
  bool quiet_ = false;
  std::string unknown_ = "unknown";
  std::string broken_;
  absl::StatusOr<std::vector<int>> online_ = std::vector<int>{0, 1};
  std::vector<hft_cpu_counters> cpus_{3};
  hft_counter_control control_ = {};
  std::map<uint32_t, int> places_;
  std::set<std::string> attached_;
  CounterPrograms programs_{Parts()};
};

TEST_F(CounterProgramsTest, EachCpuHasTheEventsAndAllGoWhenNobodyAsks) {
  ASSERT_TRUE(programs_.Attach({.events = {"a", "b"}, .interval_ns = 5'000}).ok());
  EXPECT_THAT(attached_, ElementsAre("on_counted_switch", "on_counted_tick"));
  EXPECT_THAT(Places(), ElementsAre(0, 1, 8, 9));
  EXPECT_EQ(kernel_.open_count(), 4u);
  EXPECT_EQ(control_.interval_ns, 5'000u);
  for (const int cpu : {0, 1}) {
    EXPECT_EQ(cpus_[static_cast<size_t>(cpu)].set, 1u);
    EXPECT_EQ(cpus_[static_cast<size_t>(cpu)].event_count, 2u);
    EXPECT_NE(cpus_[static_cast<size_t>(cpu)].epoch, 0u);
  }
  EXPECT_EQ(cpus_[2].epoch, 0u);
  EXPECT_EQ(programs_.cross_call_count(), 2u * 3) << "of each CPU two events, and switched on once";
  StopAsking();
  EXPECT_THAT(attached_, IsEmpty());
  EXPECT_THAT(places_, IsEmpty());
  EXPECT_EQ(kernel_.open_count(), 0u);
  EXPECT_EQ(cpus_[0].epoch, 0u);
  EXPECT_EQ(programs_.cross_call_count(), 4u * 3);
}

TEST_F(CounterProgramsTest, WhatTheChoiceHasInterruptedIsCountedWhateverItsOutcome) {
  choice_cross_calls_ = 5;
  EXPECT_TRUE(absl::IsNotFound(programs_.Attach({.events = {unknown_}})));
  EXPECT_EQ(programs_.cross_call_count(), 5u);
  ASSERT_TRUE(programs_.Attach({.events = {"a", "b"}}).ok());
  EXPECT_EQ(programs_.cross_call_count(), 2u * 5 + 2u * 3);
  EXPECT_GT(programs_.set().since_mono_ns, 0);
}

TEST_F(CounterProgramsTest, WhoAsksForWhatIsCountedAlreadyChangesNothingButTheInterval) {
  ASSERT_TRUE(programs_.Attach({.events = {"a", "b"}, .interval_ns = 5'000}).ok());
  const uint64_t calls = programs_.cross_call_count();
  ASSERT_TRUE(programs_.Attach({.events = {"b"}, .interval_ns = 1'000}).ok());
  EXPECT_EQ(programs_.set().number, 1u);
  EXPECT_EQ(control_.interval_ns, 1'000u);
  EXPECT_EQ(programs_.set().interval_ns, 1'000);
  EXPECT_EQ(programs_.cross_call_count(), calls);
}

TEST_F(CounterProgramsTest, AnotherEventIsAnotherSetAndWhoAsksForLessDisturbsNobody) {
  ASSERT_TRUE(programs_.Attach({.events = {"a"}, .interval_ns = 5'000}).ok());
  const uint32_t epoch = cpus_[0].epoch;
  ASSERT_TRUE(programs_.Attach({.events = {"b"}}).ok());
  EXPECT_EQ(programs_.set().number, 2u);
  EXPECT_EQ(cpus_[0].set, 2u);
  EXPECT_NE(cpus_[0].epoch, epoch) << "what was read before is of other events";
  const uint64_t calls = programs_.cross_call_count();
  programs_.Want({.events = {"b"}, .interval_ns = 9'000});
  Settle(2 * CounterPrograms::kPatienceTurns);
  EXPECT_EQ(programs_.set().number, 2u) << "what others have counted goes on";
  EXPECT_EQ(programs_.cross_call_count(), calls);
  EXPECT_EQ(control_.interval_ns, 9'000u);
  ASSERT_TRUE(programs_.Attach({.events = {"c"}}).ok());
  EXPECT_EQ(programs_.set().number, 3u);
  EXPECT_EQ(programs_.set().choice.events.size(), 2u) << "b and c: nobody wants a any more";
}

TEST_F(CounterProgramsTest, WhatIsRefusedLeavesWhatIsCounted) {
  ASSERT_TRUE(programs_.Attach({.events = {"a"}}).ok());
  EXPECT_TRUE(absl::IsNotFound(programs_.Attach({.events = {"unknown"}})));
  EXPECT_EQ(programs_.set().number, 1u);
  // Chosen, and then no CPU takes it: counted as before, anew.
  kernel_.FailOpens({EMFILE, EMFILE});
  EXPECT_FALSE(programs_.Attach({.events = {"b"}}).ok());
  EXPECT_TRUE(programs_.attached());
  EXPECT_EQ(programs_.set().choice.events.front().name, "a");
  EXPECT_THAT(Places(), ElementsAre(0, 8));
  Settle(2 * CounterPrograms::kPatienceTurns);
  EXPECT_TRUE(programs_.attached()) << "what was refused is wanted no more than before";
}

TEST_F(CounterProgramsTest, AProgramThatCannotBeAttachedTakesAllAway) {
  broken_ = "on_counted_tick";
  EXPECT_TRUE(absl::IsInternal(programs_.Attach({.events = {"a"}})));
  EXPECT_THAT(attached_, IsEmpty());
  EXPECT_EQ(kernel_.open_count(), 0u);
  EXPECT_FALSE(programs_.attached());
  programs_.LeaveOut("on_counted_tick");
  EXPECT_TRUE(programs_.Attach({.events = {"a"}}).ok());
  EXPECT_THAT(attached_, ElementsAre("on_counted_switch"));
}

TEST_F(CounterProgramsTest, InQuietModeNoSetChangesAndNothingGoes) {
  quiet_ = true;
  EXPECT_FALSE(programs_.Attach({.events = {"a"}}).ok());
  EXPECT_EQ(kernel_.open_count(), 0u);
  quiet_ = false;
  ASSERT_TRUE(programs_.Attach({.events = {"a", "b"}}).ok());
  quiet_ = true;
  EXPECT_FALSE(programs_.Attach({.events = {"c"}}).ok());
  EXPECT_TRUE(programs_.Attach({.events = {"a"}}).ok()) << "that is counted already";
  programs_.Want(kNothing);
  Settle(2 * CounterPrograms::kPatienceTurns);
  EXPECT_TRUE(programs_.attached());
  quiet_ = false;
  Settle(1);
  EXPECT_FALSE(programs_.attached());
}

TEST_F(CounterProgramsTest, ACpuThatComesGetsTheEventsAndOneThatGoesLosesThem) {
  ASSERT_TRUE(programs_.Attach({.events = {"a"}}).ok());
  kernel_.Offline(1);
  online_ = std::vector<int>{0};
  programs_.FollowCpus();
  EXPECT_THAT(Places(), ElementsAre(0));
  EXPECT_EQ(cpus_[1].epoch, 0u);
  kernel_.Online(1);
  online_ = std::vector<int>{0, 1};
  programs_.FollowCpus();
  EXPECT_THAT(Places(), ElementsAre(0, 8));
  EXPECT_NE(cpus_[1].epoch, 0u);
}

TEST_F(CounterProgramsTest, EventsThatStandStillAreOpenedAnew) {
  ASSERT_TRUE(programs_.Attach({.events = {"a"}}).ok());
  const uint32_t epoch = cpus_[1].epoch;
  programs_.FollowCpus();
  EXPECT_EQ(cpus_[1].epoch, epoch);
  kernel_.Offline(1);
  kernel_.Online(1);
  cpus_[1].failed_count++;  // as the program tells
  programs_.FollowCpus();
  EXPECT_NE(cpus_[1].epoch, epoch);
  const uint32_t again = cpus_[1].epoch;
  programs_.FollowCpus();
  EXPECT_EQ(cpus_[1].epoch, again);
}

TEST_F(CounterProgramsTest, ACpuThatRefusesIsTold) {
  kernel_.FailOpens({0, 0, EMFILE});  // CPU 0's event and its witness, then CPU 1's
  ASSERT_TRUE(programs_.Attach({.events = {"a"}}).ok());
  EXPECT_THAT(programs_.set().refused_cpus, ElementsAre(Pair(1, HasSubstr("descriptor"))));
  // Trying interrupts it: not again before something has changed.
  const uint64_t calls = programs_.cross_call_count();
  for (int turn = 0; turn < 2 * CounterPrograms::kRetryTurns; ++turn) programs_.FollowCpus();
  EXPECT_THAT(Places(), ElementsAre(0));
  EXPECT_EQ(programs_.cross_call_count(), calls);
  online_ = std::vector<int>{0};
  programs_.FollowCpus();
  online_ = std::vector<int>{0, 1};
  programs_.FollowCpus();
  EXPECT_THAT(programs_.set().refused_cpus, IsEmpty());
  EXPECT_THAT(Places(), ElementsAre(0, 8));
}

TEST_F(CounterProgramsTest, ReadingNowIsOneInterruptAndTellsEachEventInItsPlace) {
  ASSERT_TRUE(programs_.Attach({.events = {"a", "b"}}).ok());
  const uint64_t calls = programs_.cross_call_count();
  kernel_.Idle(1, 2'000'000);
  const auto now = programs_.ReadNow(1);
  ASSERT_TRUE(now.ok()) << now.status();
  EXPECT_EQ(now->counted, 3u);
  EXPECT_EQ(now->values[0], now->values[1]);
  EXPECT_EQ(now->enabled_ns, now->running_ns);
  EXPECT_EQ(programs_.cross_call_count(), calls + 1);
  EXPECT_TRUE(absl::IsUnavailable(programs_.ReadNow(7).status()));
  quiet_ = true;
  EXPECT_TRUE(absl::IsFailedPrecondition(programs_.ReadNow(1).status()));
  EXPECT_EQ(programs_.cross_call_count(), calls + 1);
}

TEST_F(CounterProgramsTest, RunsAreSummedByProgram) {
  std::vector<hft_cpu> cpus(2);
  cpus[0].counted_switch_count = 4;
  cpus[1].counted_switch_count = 5;
  cpus[1].counted_tick_count = 2;
  EXPECT_EQ(CounterPrograms::RunCount("on_counted_switch", cpus), 9u);
  EXPECT_EQ(CounterPrograms::RunCount("on_counted_tick", cpus), 2u);
  EXPECT_EQ(CounterPrograms::RunCount("on_switch", cpus), 0u);
  EXPECT_FALSE(CounterPrograms::IsOne("on_switch"));
}

}  // namespace
}  // namespace hftmon
