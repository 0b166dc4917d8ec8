// Locks, and sleeps where none should be.
#include "daemon/advice/advice_rules.h"

namespace hftmon {
namespace {

using enum FactField;
using enum FactKind;
using enum Operator;

RuleRow InversionWithoutPi() {
  return {
      .id = "inversion-without-pi",
      .title = "A thread waits for a lock whose owner is kept off its CPU",
      .fact = kInversion,
      // Both: inversions alone are seen with a PI mutex too, and where the holder simply held it long.
      .when = {{kInherited, kIs, 0.0}, {kOwnerOffShare, kAtLeast, 0.3}, {kActorTid, kKnown}},
      .group_by = {kTid, kLockAddress},
      .measures = {{.count_min = 2}},
      .cause =
          "{comm} (tid {tid}) waited {count} times for the lock at {lock_address}, for {sum_ns} in all and {longest_ns} at most: its owner "
          "could not let go of it, others had the owner's CPU for {owner_off_share} of each of these waits or more",
      .actions = {{.code_hint = "make the mutex inherit priority: pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT)",
                   .reach = Reach::kCode,
                   .risk = Risk::kLow,
                   .risk_text = "each contended lock and unlock is a system call"}},
      .gain = GainKind::kSumPerSecond,
      .proof_metric = "inversion_count_per_s",
      .expected = "0 with inherited false",
      .needs = {"locks"},
  };
}

RuleRow FutexConvoy() {
  return {
      .id = "futex-convoy",
      .title = "Threads queue at a lock whose owner runs",
      .fact = kContendedLock,
      // Without an owner it is what a condition variable looks like: idle waits.
      .when = {{kOwnerTid, kKnown}, {kOwnerRunningShare, kAtLeast, 0.5}},
      .group_by = {kProcessId, kLockAddress},
      .measures = {{.count_min = 10, .share_min = 0.001}, {.count_min = 2, .share_min = 0.001, .where = {{kWaiterCount, kAtLeast, 2.0}}}},
      .cause =
          "{count} waits (threads that waited: {waiter_count}) for the lock at {lock_address} took {sum_ns} in all and {longest_ns} at "
          "most; its owner, mostly {owner_comm} (tid {owner_tid}), was running as {owner_running_share} of them began: it holds the lock "
          "for long and is not kept from letting go",
      .actions = {{.code_hint = "hold the lock for less, split what it guards, spin before sleeping, or do without it on the hot path",
                   .reach = Reach::kCode,
                   .risk = Risk::kMedium,
                   .risk_text = "spinning burns the CPU on which it waits"}},
      .gain = GainKind::kSumPerSecond,
      .confidence = 0.8,
      .proof_metric = "lock_blocked_ns_per_s",
      .expected = "less at that word",
      .needs = {"locks"},
      .unless = {.rule = "inversion-without-pi", .same = {kProcessId, kLockAddress}},
  };
}

constexpr std::string_view kSleepRisk = "a thread that polls burns its CPU and heats its sibling";

RuleRow SleepInHotPath() {
  return {
      .id = "sleep-in-hot-path",
      .title = "An operation goes to sleep by itself",
      .fact = kHotPathSleep,
      .when = {{kSyscall, kIsOneOf,
                WordList{"nanosleep", "clock_nanosleep", "sched_yield", "poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait",
                         "epoll_pwait2"}}},
      .group_by = {kTid, kSyscall},
      .measures = {{.count_min = 3}},
      .cause =
          "{comm} (tid {tid}) went to sleep in {syscall} by itself in {count} of what it marks as operations, for {sum_ns} in all and "
          "{longest_ns} at most",
      .actions =
          {{.when = {{kSyscall, kIsOneOf, WordList{"poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait", "epoll_pwait2"}}},
            .code_hint = "poll the socket without a timeout in a loop, or SO_BUSY_POLL (net.core.busy_read) on it",
            .reach = Reach::kCode,
            .risk = Risk::kLow,
            .risk_text = kSleepRisk},
           {.code_hint = "take {syscall} out of the operation: busy-wait on the time stamp counter, or do what it waits for elsewhere",
            .reach = Reach::kCode,
            .risk = Risk::kLow,
            .risk_text = kSleepRisk}},
      .gain = GainKind::kSumPerSecond,
      .proof_metric = "operation_blocked_count_per_s",
      .expected = "0",
  };
}

RuleRow ConditionWaitInHotPath() {
  return {
      .id = "condition-wait-in-hot-path",
      .title = "An operation waits to be woken",
      .fact = kHotPathSleep,
      .when = {{kSyscall, kIs, "futex"}, {kOwnerTid, kUnknown}, {kSpikeKind, kIs, "operation"}},
      .group_by = {kTid},
      .measures = {{.count_min = 3}},
      .cause =
          "{comm} (tid {tid}) waited in futex for another thread to wake it in {count} of what it marks as operations, for {sum_ns} in "
          "all and {longest_ns} at most; it was no lock that somebody held",
      .actions = {{.code_hint = "hand over by a ring that both threads poll in place of a condition variable or semaphore",
                   .reach = Reach::kCode,
                   .risk = Risk::kLow,
                   .risk_text = kSleepRisk}},
      .gain = GainKind::kSumPerSecond,
      .confidence = 0.7,
      .proof_metric = "operation_blocked_count_per_s",
      .expected = "0",
      .needs = {"locks"},
  };
}

}  // namespace

std::vector<RuleRow> LockRules() {
  return {InversionWithoutPi(), FutexConvoy(), SleepInHotPath(), ConditionWaitInHotPath()};
}

}  // namespace hftmon
