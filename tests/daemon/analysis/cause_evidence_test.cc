#include "daemon/analysis/cause_evidence.h"

#include <gtest/gtest.h>

#include <cstring>

namespace hftmon {
namespace {

std::string NoName(uint32_t) {
  return "";
}
std::string NoSyscall(int32_t) {
  return "";
}

Cause Actor(uint16_t run_count) {
  return {.kind = CauseKind::kThread, .cpu = 1, .run_count = run_count, .tid = 4242, .tgid = 4242, .duration_ns = 2'100'000};
}

TEST(CauseEvidenceTest, AnActorIsNamedByTheKernelsRecordBeforeTheResolver) {
  Cause cause = Actor(3);
  const auto resolver = [](uint32_t tid) { return "resolved" + std::to_string(tid); };
  EXPECT_EQ(CauseEvidence(Spike{}, cause, resolver, NoSyscall),
            "resolved4242 (tid 4242) ran 3 times on CPU 1 for 2.1ms while this thread was runnable");
  std::strcpy(cause.comm, "stress");
  EXPECT_EQ(CauseEvidence(Spike{}, cause, resolver, NoSyscall),
            "stress (tid 4242) ran 3 times on CPU 1 for 2.1ms while this thread was runnable");
}

TEST(CauseEvidenceTest, ANameOfFullLengthNeedsNoTerminator) {
  Cause cause = Actor(1);
  std::memset(cause.comm, 'x', sizeof(cause.comm));
  EXPECT_EQ(CauseEvidence(Spike{}, cause, NoName, NoSyscall),
            std::string(16, 'x') + " (tid 4242) ran once on CPU 1 for 2.1ms while this thread was runnable");
}

TEST(CauseEvidenceTest, AnUnknownActorIsCalledByItsTid) {
  EXPECT_EQ(CauseEvidence(Spike{}, Actor(2), NoName, NoSyscall),
            "an unnamed thread (tid 4242) ran twice on CPU 1 for 2.1ms while this thread was runnable");
  EXPECT_EQ(CauseEvidence(Spike{}, Actor(2), {}, {}),
            "an unnamed thread (tid 4242) ran twice on CPU 1 for 2.1ms while this thread was runnable");
}

TEST(CauseEvidenceTest, OthersAreManyAndASaturatedCountSaysSo) {
  Cause cause = Actor(65535);
  cause.others = true;
  EXPECT_EQ(CauseEvidence(Spike{}, cause, NoName, NoSyscall),
            "other threads ran 65535 or more times for 2.1ms while this thread was runnable");
}

TEST(CauseEvidenceTest, WakingNamesTheIdleCpu) {
  const Cause cause = {.kind = CauseKind::kWaking, .cpu = 0, .duration_ns = 3'100};
  EXPECT_EQ(CauseEvidence(Spike{}, cause, NoName, NoSyscall), "runnable for 3.1us on an idle CPU 0: wake-up, idle exit and scheduling");
}

TEST(CauseEvidenceTest, MigratingCountsTheMoves) {
  Spike spike;
  spike.wait_migrations = 2;
  const Cause cause = {.kind = CauseKind::kMigrating, .cpu = 0, .duration_ns = 840};
  EXPECT_EQ(CauseEvidence(spike, cause, NoName, NoSyscall),
            "moved twice while it waited: 840ns between leaving one CPU's queue and entering another's");
}

TEST(CauseEvidenceTest, BlockedNamesTheSystemCall) {
  Cause cause = {.kind = CauseKind::kBlocked, .syscall = 202, .duration_ns = 5'000};
  EXPECT_EQ(CauseEvidence(Spike{}, cause, NoName, [](int32_t) { return "futex"; }), "was blocked in futex for 5us");
  EXPECT_EQ(CauseEvidence(Spike{}, cause, NoName, NoSyscall), "was blocked in system call 202 for 5us");
  cause.syscall = -1;
  EXPECT_EQ(CauseEvidence(Spike{}, cause, NoName, NoSyscall), "was blocked (this kernel does not show in which call) for 5us");
  cause.syscall = HFT_STOPPED;
  EXPECT_EQ(CauseEvidence(Spike{}, cause, NoName, NoSyscall), "was blocked (stopped by a signal or a debugger) for 5us");
  cause.syscall = -1;
  Spike in_call;
  in_call.out_kind = HFT_SWITCH_BLOCKED_SYSCALL;
  EXPECT_EQ(CauseEvidence(in_call, cause, NoName, NoSyscall), "was blocked outside any system call for 5us");
  Spike fault;
  fault.out_kind = HFT_SWITCH_BLOCKED_FAULT;
  EXPECT_EQ(CauseEvidence(fault, cause, NoName, NoSyscall), "was blocked in a page fault or other exception for 5us");
}

TEST(CauseEvidenceTest, BlockedNamesWhoEndedIt) {
  const Cause cause = {.kind = CauseKind::kBlocked, .syscall = 202, .duration_ns = 5'000};
  const auto evidence = [&cause](const Spike& spike) { return CauseEvidence(spike, cause, NoName, [](int32_t) { return "futex"; }); };
  Spike spike;
  spike.waker = {.state = WakerState::kKnown, .cpu = 2, .tid = 41};
  EXPECT_EQ(evidence(spike), "was blocked in futex for 5us; woken by an unnamed thread (tid 41) on CPU 2");
  std::strcpy(spike.waker.comm, "feeder");
  EXPECT_EQ(evidence(spike), "was blocked in futex for 5us; woken by feeder (tid 41) on CPU 2");
  spike.waker.context = HFT_WAKER_HARD_IRQ;
  spike.waker.source = HFT_SOURCE_LOCAL_TIMER;
  EXPECT_EQ(evidence(spike), "was blocked in futex for 5us; woken by interrupt local_timer on CPU 2");
  spike.waker.source = HFT_SOURCE_NONE;
  EXPECT_EQ(evidence(spike), "was blocked in futex for 5us; woken by interrupt of a vector without a tracepoint on CPU 2");
  spike.waker.context = HFT_WAKER_SOFTIRQ;
  spike.waker.source = static_cast<hft_interrupt_source>(HFT_SOURCE_SOFTIRQ + 3);
  EXPECT_EQ(evidence(spike), "was blocked in futex for 5us; woken by softirq NET_RX on CPU 2");
  spike.waker.state = WakerState::kUnknown;
  EXPECT_EQ(evidence(spike), "was blocked in futex for 5us; who woke it is not known: the record of the wake-up did not come");
}

TEST(CauseEvidenceTest, ASoftirqNamesTheInterfaceThatItPolled) {
  Cause cause = {.kind = CauseKind::kSoftirq,
                 .cpu = 1,
                 .run_count = 1,
                 .source = static_cast<hft_interrupt_source>(HFT_SOURCE_SOFTIRQ + 3),
                 .duration_ns = 90'000};
  EXPECT_EQ(CauseEvidence(Spike{}, cause, NoName, NoSyscall), "softirq NET_RX ran once on CPU 1 for 90us");
  std::strcpy(cause.comm, "eth0");
  EXPECT_EQ(CauseEvidence(Spike{}, cause, NoName, NoSyscall), "softirq NET_RX (eth0) ran once on CPU 1 for 90us");
}

TEST(CauseEvidenceTest, ALockIsNamedWithItsOwnerAndWhatThatOneDid) {
  const Cause cause = {.kind = CauseKind::kBlocked, .syscall = 202, .duration_ns = 5'000};
  const auto name_of = [](uint32_t tid) { return tid == 41 ? std::string("holder") : std::string(); };
  const auto evidence = [&](const Spike& spike) {
    return CauseEvidence(spike, cause, name_of, [](int32_t number) { return number == 202 ? "futex" : "read"; });
  };
  Spike spike;
  spike.call.state = HFT_CALL_NO_REGISTERS;
  EXPECT_EQ(evidence(spike), "was blocked in futex for 5us");
  spike.call.state = HFT_CALL_KNOWN;
  EXPECT_EQ(evidence(spike), "was blocked in futex for 5us") << "the word was not in memory";
  spike.call.futex_command = 0;
  spike.call.futex_word_known = true;
  spike.call.arguments[0] = 0x1000;
  EXPECT_EQ(evidence(spike), "was blocked in futex at 0x1000 for 5us");
  spike.call.owner_tid = 41;
  spike.call.owner_source = HFT_OWNER_GLIBC;
  EXPECT_EQ(evidence(spike), "was blocked in futex at 0x1000, held by holder (tid 41), for 5us");
  spike.call.owner_state = HFT_OWNER_RUNNING;
  EXPECT_EQ(evidence(spike), "was blocked in futex at 0x1000, held by holder (tid 41), which was running, for 5us");
  spike.call.owner_state = HFT_OWNER_RUNNABLE;
  EXPECT_EQ(evidence(spike), "was blocked in futex at 0x1000, held by holder (tid 41), which waited for a CPU, for 5us");
  spike.call.owner_state = HFT_OWNER_BLOCKED;
  EXPECT_EQ(evidence(spike), "was blocked in futex at 0x1000, held by holder (tid 41), which was blocked itself, for 5us");
  spike.call.owner_syscall = 0;
  spike.call.owner_tid = 42;
  EXPECT_EQ(evidence(spike), "was blocked in futex at 0x1000, held by tid 42, which was blocked in read itself, for 5us");
}

TEST(CauseEvidenceTest, ACallOnAFileNamesItsDescriptor) {
  const Cause cause = {.kind = CauseKind::kBlocked, .syscall = 0, .duration_ns = 5'000};
  Spike spike;
  spike.call.state = HFT_CALL_KNOWN;
  spike.call.arguments[0] = 7;
  const auto evidence = [&](const char* name) { return CauseEvidence(spike, cause, NoName, [name](int32_t) { return name; }); };
  EXPECT_EQ(evidence("read"), "was blocked in read on file descriptor 7 for 5us");
  EXPECT_EQ(evidence("epoll_wait"), "was blocked in epoll_wait on file descriptor 7 for 5us");
  EXPECT_EQ(evidence("clock_nanosleep"), "was blocked in clock_nanosleep for 5us");
}

}  // namespace
}  // namespace hftmon
