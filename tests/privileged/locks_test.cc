// Whose lock a thread waited for, and what it blocked in, without a hook of a system call.
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "tests/privileged/harness/switch_witness.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr int64_t kBlockedNs = 1'000'000;
constexpr int kTurns = 30;

class LocksTest : public PrivilegedTest {
 protected:
  absl::Status Attach(pid_t pid, const std::string& group = "locks", int64_t blocked_ns = kBlockedNs) const {
    v1::AttachRequest request;
    request.add_pids(pid);
    request.mutable_options()->set_blocked_threshold_ns(blocked_ns);
    if (!group.empty()) request.mutable_options()->add_probe_groups(group);
    return daemon_.client().Attach(request).status();
  }
  absl::StatusOr<v1::QueryLocksResponse> Locks(pid_t pid) const {
    v1::QueryLocksRequest request;
    request.add_pids(pid);
    return daemon_.client().QueryLocks(request);
  }
};

struct Variant {
  std::string kind;
  std::string holder;
  std::string source;
};

class LockKindsTest : public LocksTest, public ::testing::WithParamInterface<Variant> {};

// The waiter's spike of that turn; null when there is none.
const v1::Spike* FindWait(const v1::DetectSpikesResponse& answer, pid_t waiter, const json& turn) {
  for (const v1::Spike& spike : answer.spikes()) {
    const int64_t end_ns = spike.start_monotonic_ns() + spike.duration_ns();
    if (spike.thread().tid() != waiter || spike.kind() != "blocked" || !spike.call().has_futex()) continue;
    if (spike.start_monotonic_ns() >= turn["ask_ns"].get<int64_t>() && end_ns <= turn["got_ns"].get<int64_t>()) return &spike;
  }
  return nullptr;
}

int64_t BlockedNs(const v1::Spike& spike) {
  int64_t sum_ns = 0;
  for (const v1::Cause& cause : spike.causes()) sum_ns += cause.kind() == "blocked" ? cause.duration_ns() : 0;
  return sum_ns;
}

const v1::ThreadCalls* FindCalls(const v1::QueryLocksResponse& answer, pid_t tid) {
  for (const v1::ThreadCalls& thread : answer.threads()) {
    if (thread.thread().tid() == tid) return &thread;
  }
  return nullptr;
}

const v1::CallSum* FindCall(const v1::ThreadCalls& thread, const std::string& name) {
  for (const v1::CallSum& call : thread.calls()) {
    if (call.name() == name) return &call;
  }
  return nullptr;
}

TEST_P(LockKindsTest, EachWaitNamesTheOwnerAndWhatItDid) {
  const Variant& variant = GetParam();
  WorkloadRun run("lock_waiter",
                  {"--cpu", CpuArgument(), "--count", std::to_string(kTurns), "--kind", variant.kind, "--holder", variant.holder});
  ASSERT_TRUE(run.about().is_object());
  const SwitchWitness witness;
  ASSERT_TRUE(Attach(run.pid()).ok());
  const json truth = run.Act();
  ASSERT_TRUE(truth.is_object());
  const pid_t waiter = truth["waiter"];
  const pid_t holder = truth["holder"];
  const auto spikes = daemon_.Spikes(run.pid(), 0, kBlockedNs);
  const auto locks = Locks(run.pid());
  ASSERT_TRUE(spikes.ok() && locks.ok()) << spikes.status() << locks.status();
  int usable = 0;
  int found = 0;
  int owned = 0;
  int agreeing = 0;
  int in_state = 0;
  int64_t sum_ns = 0;
  for (const json& turn : truth["turns"]) {
    SCOPED_TRACE(turn.dump());
    // Where one of the two was kept away for long the waiter may not have been blocked above the threshold.
    const int64_t expected_ns = turn["hold_end_ns"].get<int64_t>() - turn["ask_ns"].get<int64_t>();
    if (expected_ns < 2 * kBlockedNs) continue;
    ++usable;
    const v1::Spike* spike = FindWait(*spikes, waiter, turn);
    if (spike == nullptr) continue;
    SCOPED_TRACE(spike->DebugString());
    ++found;
    ExpectExactBudget(*spike);
    EXPECT_EQ(spike->call().name(), "futex");
    const v1::FutexWait& futex = spike->call().futex();
    EXPECT_EQ(futex.address(), truth["address"].get<uint64_t>());
    const int64_t blocked_ns = BlockedNs(*spike);
    sum_ns += blocked_ns;
    EXPECT_LE(blocked_ns, turn["got_ns"].get<int64_t>() - turn["ask_ns"].get<int64_t>());
    // From asking to the holder's letting go; shorter where the waiter was kept from falling asleep, longer where its wake-up took long.
    agreeing += Agrees(blocked_ns, expected_ns);
    // It may be about to let go just as the waiter falls asleep.
    if (!futex.has_owner()) continue;
    ++owned;
    EXPECT_EQ(futex.owner().tid(), holder);
    EXPECT_EQ(futex.owner().comm(), "lock_holder");
    EXPECT_EQ(futex.owner().source(), variant.source);
    if (variant.holder == "sleeping") {
      in_state += futex.owner().state() == "blocked" && futex.owner().blocked_in() == "clock_nanosleep";
    } else {
      in_state += futex.owner().state() == "running" || futex.owner().state() == "runnable";
    }
    EXPECT_THAT(spike->causes(0).evidence(), HasSubstr("held by lock_holder (tid " + std::to_string(holder) + ")"));
  }
  EXPECT_GE(usable, kTurns * 3 / 4);
  // A wait whose end the kernel showed to no program has no spike: see SwitchWitness.
  EXPECT_LE(static_cast<uint64_t>(usable - found), witness.UnseenSwitchIns(waiter) + 1);
  EXPECT_GE(owned, usable * 9 / 10);
  EXPECT_GE(agreeing, usable * 3 / 4);
  EXPECT_GE(in_state, usable * 3 / 4) << "what the owner did at that moment";

  const auto lock = std::find_if(locks->locks().begin(), locks->locks().end(), [&](const v1::ContendedLock& candidate) {
    return candidate.address() == truth["address"].get<uint64_t>();
  });
  ASSERT_NE(lock, locks->locks().end()) << locks->DebugString();
  // The holder may have waited for the waiter to let go, too.
  EXPECT_GE(lock->count(), static_cast<uint64_t>(found));
  EXPECT_GE(lock->blocked_ns(), sum_ns);
  ASSERT_GE(lock->owners_size(), 1);
  EXPECT_EQ(lock->owners(0).owner().tid(), holder);
  EXPECT_GE(lock->owners(0).count(), static_cast<uint64_t>(owned));
  EXPECT_EQ(locks->blocked_floor_ns(), kBlockedNs);
  const v1::ThreadCalls* calls = FindCalls(*locks, waiter);
  ASSERT_NE(calls, nullptr);
  const v1::CallSum* futex = FindCall(*calls, "futex");
  ASSERT_NE(futex, nullptr) << calls->DebugString();
  EXPECT_GE(futex->count(), static_cast<uint64_t>(found));
  EXPECT_GE(futex->blocked_ns(), sum_ns);
}

// No waiter for a lock with priority inheritance whose owner runs: the kernel lets it spin for that one.
INSTANTIATE_TEST_SUITE_P(All, LockKindsTest,
                         ::testing::Values(Variant{"plain", "running", "glibc_mutex"}, Variant{"plain", "sleeping", "glibc_mutex"},
                                           Variant{"pi", "sleeping", "pi_word"}, Variant{"robust", "sleeping", "lock_word"}),
                         [](const auto& variant) { return variant.param.kind + "_" + variant.param.holder; });

// Gone with the object, with what a workload that was ended left in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "hftmon-files-XXXXXX").string();
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    path_ = pattern;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// What the answers say of one thread's file.
struct ToldFile {
  int spikes = 0;
  const v1::BlockedFile* sum = nullptr;
  const v1::CallSum* call = nullptr;
};

TEST_F(LocksTest, WhoBlocksOnAFileIsToldWithItsName) {
  const TemporaryFolder folder;
  WorkloadRun run("file_waiter", {"--count", std::to_string(kTurns), "--folder", folder.path()});
  ASSERT_TRUE(run.about().is_object());
  const SwitchWitness witness;
  ASSERT_TRUE(Attach(run.pid()).ok());
  ASSERT_TRUE(run.Act().is_object());
  const auto spikes = daemon_.Spikes(run.pid(), 0, kBlockedNs);
  const auto locks = Locks(run.pid());
  ASSERT_TRUE(spikes.ok() && locks.ok()) << spikes.status() << locks.status();
  const std::pair<const char*, const char*> waiters[] = {
      {"pipe_reader", "read"}, {"event_waiter", "epoll_wait"}, {"datagram_taker", "recvfrom"}};
  for (const auto& [name, call] : waiters) {
    const json& truth = run.about()[name];
    SCOPED_TRACE(std::string(call) + " " + truth.dump());
    const pid_t tid = truth["tid"];
    ToldFile told;
    for (const v1::Spike& spike : spikes->spikes()) {
      if (spike.thread().tid() != tid || spike.kind() != "blocked" || spike.call().name() != call) continue;
      ++told.spikes;
      EXPECT_EQ(spike.call().file_descriptor(), truth["descriptor"].get<int>());
      EXPECT_EQ(spike.call().file(), truth["file"].get<std::string>());
    }
    // A wait whose end the kernel showed to no program has no spike: see SwitchWitness.
    EXPECT_GE(told.spikes + static_cast<int>(witness.UnseenSwitchIns(tid)), kTurns * 9 / 10);
    EXPECT_LE(told.spikes, kTurns);
    for (const v1::BlockedFile& file : locks->files()) {
      if (file.call() == call && file.tids_size() == 1 && file.tids(0) == tid) told.sum = &file;
    }
    ASSERT_NE(told.sum, nullptr) << locks->DebugString();
    EXPECT_EQ(told.sum->file(), truth["file"].get<std::string>());
    EXPECT_EQ(told.sum->file_descriptor(), truth["descriptor"].get<int>());
    EXPECT_EQ(told.sum->count(), static_cast<uint64_t>(told.spikes));
    EXPECT_GE(told.sum->blocked_ns(), told.spikes * kBlockedNs);
    const v1::ThreadCalls* calls = FindCalls(*locks, tid);
    ASSERT_NE(calls, nullptr);
    told.call = FindCall(*calls, call);
    ASSERT_NE(told.call, nullptr) << calls->DebugString();
    EXPECT_EQ(told.call->longest_file_descriptor(), truth["descriptor"].get<int>());
    EXPECT_EQ(told.call->longest_file(), truth["file"].get<std::string>());
    std::printf("%s on %s: %d of %d waits told\n", call, truth["file"].get<std::string>().c_str(), told.spikes, kTurns);
  }
  const CommandResult shown = daemon_.Hftmon({"locks", "-p", std::to_string(run.pid())});
  EXPECT_THAT(shown.output, HasSubstr(run.about()["pipe_reader"]["file"].get<std::string>()));
}

TEST_F(LocksTest, SumsByCallAreTheThreadsOwnCounts) {
  WorkloadRun run("ping_pong", {"--cpu", CpuArgument()});
  ASSERT_TRUE(run.about().is_object());
  const SwitchWitness witness;
  ASSERT_TRUE(Attach(run.pid(), "locks", 0).ok());
  ASSERT_TRUE(run.Act("2000").is_object());
  ASSERT_TRUE(WaitUntilBlocked(run.pid()));
  const auto locks = Locks(run.pid());
  v1::QueryContextSwitchesRequest request;
  request.add_pids(run.pid());
  const auto switches = daemon_.client().QueryContextSwitches(request);
  ASSERT_TRUE(locks.ok() && switches.ok()) << locks.status() << switches.status();
  EXPECT_FALSE(locks->has_blocked_floor_ns()) << "nobody asked for single waits";
  EXPECT_EQ(locks->locks_size(), 0);
  int compared = 0;
  for (const v1::ThreadSwitches& thread : switches->threads()) {
    const v1::ThreadCalls* calls = FindCalls(*locks, thread.thread().tid());
    if (calls == nullptr || !thread.kinds().contains("blocked_syscall")) continue;
    SCOPED_TRACE(calls->DebugString());
    ASSERT_TRUE(calls->available());
    uint64_t count = 0;
    for (const v1::CallSum& call : calls->calls()) count += call.count();
    count += calls->others().count();
    // Each wait that ended; the last one goes on. One whose end no program was shown is in neither.
    const uint64_t blocked = thread.kinds().at("blocked_syscall");
    EXPECT_LE(count, blocked);
    EXPECT_GE(count + 2 + witness.UnseenSwitchIns(thread.thread().tid()), blocked);
    ++compared;
  }
  EXPECT_GE(compared, 2);
}

TEST_F(LocksTest, WhoDoesNotAskIsToldHow) {
  WorkloadRun run("sleeper", {});
  ASSERT_TRUE(run.about().is_object());
  ASSERT_TRUE(Attach(run.pid(), "").ok());
  const auto locks = Locks(run.pid());
  ASSERT_TRUE(locks.ok()) << locks.status();
  ASSERT_GE(locks->threads_size(), 1);
  EXPECT_FALSE(locks->threads(0).available());
  EXPECT_THAT(locks->threads(0).reason(), HasSubstr("--probes locks"));
  const CommandResult shown = daemon_.Hftmon({"locks", "-p", std::to_string(run.pid())});
  EXPECT_EQ(shown.exit_code, 1);
  EXPECT_THAT(shown.output, HasSubstr("--probes locks"));
}

}  // namespace
}  // namespace hftmon::testing
