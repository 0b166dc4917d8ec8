// Priority inversion and inheritance: who waited for whom, how long, and who had the owner's CPU, against what the threads know themselves.
#include <algorithm>
#include <string>
#include <vector>

#include "tests/privileged/harness/switch_witness.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kTurns = 20;
constexpr int64_t kBlockedNs = 200'000;
// The kernel's priorities of FIFO 10, 12, 14 and 30.
constexpr int kLow = 89;
constexpr int kLower = 87;
constexpr int kUpper = 85;
constexpr int kHigh = 69;

// How many turns were as they should be.
struct Tally {
  int found = 0;
  int lasting = 0;    // as long as high measured
  int preempted = 0;  // medium had the owner's CPU, for as long as it spun
  int boosted = 0;    // a boost of low, from and to the right priorities, because of high
  int boost_lasting = 0;
};

class InversionsTest : public PrivilegedTest {
 protected:
  void Begin(const std::string& scenario) {
    run_ = std::make_unique<WorkloadRun>(
        "inverted", std::vector<std::string>{"--cpu", CpuArgument(), "--count", std::to_string(kTurns), "--scenario", scenario});
    ASSERT_TRUE(run_->about().is_object());
    if (run_->about().contains("fifo_refused")) GTEST_SKIP() << run_->about()["fifo_refused"].get<std::string>();
    v1::AttachRequest request;
    request.add_pids(run_->pid());
    request.mutable_options()->set_blocked_threshold_ns(kBlockedNs);
    request.mutable_options()->add_probe_groups("locks");
    ASSERT_TRUE(daemon_.client().Attach(request).ok());
    witness_ = std::make_unique<SwitchWitness>();
    truth_ = run_->Act();
    ASSERT_TRUE(truth_.is_object());
    v1::QueryInversionsRequest query;
    query.add_pids(run_->pid());
    auto answer = daemon_.client().QueryInversions(query);
    ASSERT_TRUE(answer.ok()) << answer.status();
    answer_ = *std::move(answer);
    EXPECT_FALSE(answer_.incomplete());
    EXPECT_EQ(answer_.blocked_floor_ns(), kBlockedNs);
    EXPECT_EQ(answer_.boosts_unavailable(), "");
  }
  pid_t Tid(const char* player) const { return truth_[player]; }
  // Turns whose end the kernel showed to no program have no spike.
  int Unseen(const char* player) const { return static_cast<int>(witness_->UnseenSwitchIns(Tid(player))); }

  // High's inversion of that turn; null when there is none.
  const v1::PriorityInversion* Find(const json& turn) const {
    for (const v1::PriorityInversion& inversion : answer_.inversions()) {
      const int64_t end_ns = inversion.start_monotonic_ns() + inversion.duration_ns();
      if (inversion.waiter().tid() != Tid("high")) continue;
      if (inversion.start_monotonic_ns() >= turn["ask_ns"].get<int64_t>() && end_ns <= turn["got_ns"].get<int64_t>()) return &inversion;
    }
    return nullptr;
  }
  // Low's boost of that turn.
  const v1::PriorityBoost* FindBoost(const json& turn) const {
    for (const v1::PriorityBoost& boost : answer_.boosts()) {
      if (boost.thread().tid() == Tid("low") && boost.start_monotonic_ns() >= turn["ask_ns"].get<int64_t>() &&
          boost.start_monotonic_ns() <= turn["got_ns"].get<int64_t>())
        return &boost;
    }
    return nullptr;
  }
  static int64_t Length(const json& turn, const char* begin, const char* end) {
    return turn[end].get<int64_t>() - turn[begin].get<int64_t>();
  }

  // What every inversion of high's has, whatever the scenario; `owner`: who has the lock that high asks for.
  void ExpectHighsWait(const v1::PriorityInversion& inversion, const char* owner, int owner_priority) const {
    EXPECT_EQ(inversion.waiter().comm(), "high");
    EXPECT_EQ(inversion.waiter_priority(), kHigh);
    EXPECT_EQ(inversion.waiter_policy(), "fifo");
    EXPECT_FALSE(inversion.in_progress());
    EXPECT_FALSE(inversion.chain_truncated());
    ASSERT_GE(inversion.chain_size(), 1);
    EXPECT_EQ(inversion.chain(0).lock_address(), truth_["address"].get<uint64_t>());
    EXPECT_EQ(inversion.chain(0).owner().tid(), Tid(owner));
    EXPECT_EQ(inversion.chain(0).owner().comm(), owner);
    EXPECT_EQ(inversion.chain(0).owner_priority(), owner_priority) << "its own, whatever it inherits";
    EXPECT_EQ(inversion.chain(0).owner_policy(), "fifo");
    // They share a CPU, which high had until it waited.
    EXPECT_NE(inversion.chain(0).owner_state(), "running");
  }

  Tally Count(bool inherits) const {
    Tally tally;
    for (const json& turn : truth_["turns"]) {
      const v1::PriorityInversion* inversion = Find(turn);
      if (inversion == nullptr) continue;
      SCOPED_TRACE(turn.dump() + "\n" + inversion->DebugString());
      ++tally.found;
      ExpectHighsWait(*inversion, "low", kLow);
      EXPECT_EQ(inversion->chain_size(), 1);
      EXPECT_EQ(inversion->chain(0).priority_inheritance(), inherits);
      tally.lasting += Agrees(inversion->duration_ns(), Length(turn, "ask_ns", "got_ns"));
      const int64_t medium_ns = Length(turn, "medium_start_ns", "medium_end_ns");
      tally.preempted += inversion->preemptor().tid() == Tid("medium") && inversion->preemptor().comm() == "medium" &&
                         Agrees(inversion->preemptor().duration_ns(), medium_ns) && inversion->owner_off_cpu_ns() >= medium_ns * 19 / 20 &&
                         inversion->owner_off_cpu_ns() <= inversion->duration_ns();
      const v1::PriorityBoost* boost = FindBoost(turn);
      if (boost == nullptr) {
        EXPECT_FALSE(inversion->inherited());
        continue;
      }
      SCOPED_TRACE(boost->DebugString());
      tally.boosted += inversion->inherited() && boost->own_priority() == kLow && boost->boosted_priority() == kHigh &&
                       boost->donor().tid() == Tid("high") && boost->donor().comm() == "high" && boost->step_count() == 2;
      tally.boost_lasting += boost->has_duration_ns() && Agrees(boost->duration_ns(), Length(turn, "ask_ns", "release_ns"));
    }
    return tally;
  }

  std::unique_ptr<WorkloadRun> run_;
  std::unique_ptr<SwitchWitness> witness_;
  json truth_;
  v1::QueryInversionsResponse answer_;
};

TEST_F(InversionsTest, WhoHasTheLockLosesItsCpuToAThirdAndTheMostUrgentWaits) {
  Begin("plain");
  if (IsSkipped() || HasFatalFailure()) return;
  const Tally tally = Count(/*inherits=*/false);
  std::printf("plain: %d of %d inversions found, %d as long as measured, %d lost to medium for as long as it spun\n", tally.found, kTurns,
              tally.lasting, tally.preempted);
  EXPECT_GE(tally.found + Unseen("high"), kTurns);
  EXPECT_GE(tally.lasting, kTurns * 9 / 10);
  EXPECT_GE(tally.preempted + Unseen("low"), kTurns * 9 / 10);
  EXPECT_EQ(tally.boosted, 0);
  for (const v1::PriorityBoost& boost : answer_.boosts()) EXPECT_NE(boost.thread().pid(), run_->pid()) << boost.DebugString();

  const CommandResult shown = daemon_.Hftmon({"inversions", "-p", std::to_string(run_->pid())});
  EXPECT_EQ(shown.exit_code, 0) << shown.output;
  EXPECT_THAT(shown.output, AllOf(HasSubstr("(fifo 30)  waits for a lock"), HasSubstr("(fifo 10), runnable as the wait began\n"),
                                  HasSubstr("which medium[" + std::to_string(Tid("medium")) + "] had for 3")));
  const json as_json = daemon_.HftmonJson({"inversions", "-p", std::to_string(run_->pid()), "--min-duration", "1ms", "--limit", "3"});
  ASSERT_TRUE(as_json.is_object());
  EXPECT_EQ(as_json["inversions"].size(), 3u);
  EXPECT_EQ(as_json["older_left_out"], true);
}

TEST_F(InversionsTest, WithInheritanceTheOwnerRunsOnAndItsBoostIsTold) {
  Begin("pi");
  if (IsSkipped() || HasFatalFailure()) return;
  const Tally tally = Count(/*inherits=*/true);
  std::printf("pi: %d of %d inversions found, %d as long as measured, %d boosts, %d as long as measured\n", tally.found, kTurns,
              tally.lasting, tally.boosted, tally.boost_lasting);
  EXPECT_GE(tally.found + Unseen("high"), kTurns);
  EXPECT_GE(tally.lasting, kTurns * 9 / 10);
  EXPECT_GE(tally.boosted, tally.found * 9 / 10);
  EXPECT_GE(tally.boost_lasting, kTurns * 9 / 10);
  EXPECT_LE(tally.preempted, kTurns / 10) << "medium has to wait until low has let go";
}

TEST_F(InversionsTest, AChainOfThreeLocksIsToldInItsOrder) {
  Begin("chain");
  if (IsSkipped() || HasFatalFailure()) return;
  int found = 0;
  int whole = 0;
  int lasting = 0;
  for (const json& turn : truth_["turns"]) {
    const v1::PriorityInversion* inversion = Find(turn);
    if (inversion == nullptr) continue;
    SCOPED_TRACE(turn.dump() + "\n" + inversion->DebugString());
    ++found;
    ExpectHighsWait(*inversion, "upper", kUpper);
    lasting += Agrees(inversion->duration_ns(), Length(turn, "ask_ns", "got_ns"));
    if (inversion->chain_size() != 3) continue;
    const v1::InversionLink& second = inversion->chain(1);
    const v1::InversionLink& third = inversion->chain(2);
    const json& addresses = truth_["addresses"];
    whole += second.lock_address() == addresses[1].get<uint64_t>() && second.owner().tid() == Tid("lower") &&
             second.owner_priority() == kLower && second.owner_state() == "blocked" &&
             third.lock_address() == addresses[2].get<uint64_t>() && third.owner().tid() == Tid("low") && third.owner_priority() == kLow &&
             third.owner_state() == "runnable" && inversion->chain(0).owner_state() == "blocked";
  }
  std::printf("chain: %d of %d inversions found, %d with all three locks, %d as long as measured\n", found, kTurns, whole, lasting);
  EXPECT_GE(found + Unseen("high"), kTurns);
  EXPECT_GE(whole + Unseen("upper") + Unseen("lower"), kTurns * 9 / 10);
  EXPECT_GE(lasting, kTurns * 9 / 10);
}

TEST_F(InversionsTest, WhereNobodyAsksForLocksTheMendIsSaid) {
  WorkloadRun run("sleeper", {});
  ASSERT_TRUE(run.about().is_object());
  ASSERT_TRUE(daemon_.Attach(run.pid()).ok());
  v1::QueryInversionsRequest query;
  query.add_pids(run.pid());
  const auto answer = daemon_.client().QueryInversions(query);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(answer->incomplete());
  EXPECT_FALSE(answer->has_blocked_floor_ns());
  const CommandResult shown = daemon_.Hftmon({"inversions", "-p", std::to_string(run.pid())});
  EXPECT_EQ(shown.exit_code, 1);
  EXPECT_THAT(shown.output, HasSubstr("--probes locks --blocked"));
}

}  // namespace
}  // namespace hftmon::testing
