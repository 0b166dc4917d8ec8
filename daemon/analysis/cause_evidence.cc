#include "daemon/analysis/cause_evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "common/duration.h"
#include "daemon/analysis/call_names.h"
#include "daemon/analysis/interrupt_names.h"
#include "daemon/analysis/kernel_stall_names.h"

namespace hftmon {
namespace {

std::string Times(uint16_t count) {
  if (count == 1) return "once";
  if (count == 2) return "twice";
  return fmt::format("{}{} times", count, count == UINT16_MAX ? " or more" : "");
}

std::string ThreadName(const char (&comm)[HFT_COMM_LENGTH], uint32_t tid, const std::function<std::string(uint32_t)>& name_of) {
  std::string name(comm, std::find(comm, comm + sizeof(comm), '\0'));
  if (name.empty() && name_of) name = name_of(tid);
  return name.empty() ? fmt::format("an unnamed thread (tid {})", tid) : fmt::format("{} (tid {})", name, tid);
}

std::string ActorOf(const Cause& cause, const std::function<std::string(uint32_t)>& name_of) {
  return ThreadName(cause.comm, cause.tid, name_of);
}

const char* LevelName(CauseKind kind) {
  switch (kind) {
    case CauseKind::kNmi:
      return "NMI";
    case CauseKind::kSoftirq:
      return "softirq";
    default:
      return "interrupt";
  }
}

std::string InterruptEvidence(const Cause& cause, const std::string& duration) {
  if (cause.others && cause.run_count == 0)
    return fmt::format("{} handlers that are not told apart ran for {}", LevelName(cause.kind), duration);
  if (cause.others) return fmt::format("other {} handlers ran {} for {}", LevelName(cause.kind), Times(cause.run_count), duration);
  const std::string handler(cause.comm, std::find(cause.comm, cause.comm + sizeof(cause.comm), '\0'));
  const bool sent = cause.source == HFT_SOURCE_CALL_FUNCTION && cause.tid != 0;
  const std::string text =
      fmt::format("{} {} ran {} on CPU {} for {}", LevelName(cause.kind), InterruptName(cause.source, cause.number, sent ? "" : handler),
                  Times(cause.run_count), cause.cpu, duration);
  return sent ? fmt::format("{}: to flush the TLB, sent by {} (tid {})", text, handler, cause.tid) : text;
}

// What it waited for while it was off the CPU, within what its spike is of.
std::string BlockedInStall(const KernelStall& stall) {
  std::string parts;
  const auto add = [&parts](int64_t duration_ns, const char* what) {
    if (duration_ns > 0) parts += fmt::format("{}{} of it {}", parts.empty() ? "" : ", ", FormatDuration(duration_ns), what);
  };
  const auto& within_ns = stall.stall_off_cpu_ns;
  if (stall.what != HFT_KERNEL_LOCK) add(within_ns[HFT_STALL_SLEEPING_LOCK], "for a lock of the kernel");
  if (stall.what != HFT_KERNEL_COMPACTION) add(within_ns[HFT_STALL_COMPACTION], "in compaction");
  if (stall.what != HFT_KERNEL_RECLAIM) add(within_ns[HFT_STALL_RECLAIM], "in direct reclaim");
  if (stall.what != HFT_KERNEL_MIGRATION) add(within_ns[HFT_STALL_MIGRATION], "while pages were moved");
  return fmt::format("in its {}{}", KernelStallPhrase(stall), parts.empty() ? "" : " (" + parts + ")");
}

std::string BlockedIn(const Spike& spike, const Cause& cause, const std::function<std::string(int32_t)>& syscall_name) {
  if (spike.stall.known) return BlockedInStall(spike.stall);
  if (cause.syscall >= 0) {
    const std::string name = syscall_name ? syscall_name(cause.syscall) : "";
    return name.empty() ? fmt::format("in system call {}", cause.syscall) : "in " + name;
  }
  if (cause.syscall == HFT_STOPPED) return "(stopped by a signal or a debugger)";
  if (IsMarked(spike.kind)) return "outside any system call";
  if (spike.out_kind == HFT_SWITCH_UNKNOWN) return "(this kernel does not show in which call)";
  return spike.out_kind == HFT_SWITCH_BLOCKED_FAULT ? "in a page fault or other exception" : "outside any system call";
}

std::string LockEvidence(const Spike& spike, const std::string& duration, const std::function<std::string(uint32_t)>& name_of) {
  const KernelStall& stall = spike.stall;
  if (stall.what != HFT_KERNEL_LOCK) return fmt::format("spun for locks of the kernel for {}", duration);
  const std::string name = stall.owner_tid != 0 && name_of ? name_of(stall.owner_tid) : "";
  const std::string owner = stall.owner_tid == 0 ? ""
                            : name.empty()       ? fmt::format(", held by tid {}", stall.owner_tid)
                                                 : fmt::format(", held by {} (tid {})", name, stall.owner_tid);
  return fmt::format("spun in its {}{} for {}", KernelStallPhrase(stall), owner, duration);
}

std::string MigrationEvidence(const KernelStall& stall, const std::string& duration) {
  if (stall.what != HFT_KERNEL_MIGRATION) return fmt::format("the kernel moved pages (migration) for {}", duration);
  return fmt::format("the kernel moved pages (migration, {}) for {}", MigrationReasonName(static_cast<uint32_t>(stall.address)), duration);
}

std::string OwnerDid(const Call& call, const std::function<std::string(int32_t)>& syscall_name) {
  switch (call.owner_state) {
    case HFT_OWNER_RUNNING:
      return ", which was running";
    case HFT_OWNER_RUNNABLE:
      return ", which waited for a CPU";
    case HFT_OWNER_BLOCKED: {
      const std::string name = syscall_name && call.owner_syscall >= 0 ? syscall_name(call.owner_syscall) : "";
      return name.empty() ? ", which was blocked itself" : fmt::format(", which was blocked in {} itself", name);
    }
    default:
      return "";
  }
}

// Whose lock it waited for, or on what, as a clause of its own; empty when nobody asked or nothing is known.
std::string WaitedFor(const Call& call, const std::string& syscall, const std::function<std::string(uint32_t)>& name_of,
                      const std::function<std::string(int32_t)>& syscall_name) {
  if (call.state != HFT_CALL_KNOWN) return "";
  if (TakesFileDescriptor(syscall)) return fmt::format(" on file descriptor {}", static_cast<int32_t>(call.arguments[0]));
  if (call.futex_command == HFT_NO_FUTEX) return "";
  if (!call.futex_word_known) return fmt::format(" at {:#x} (whose owner nobody looked at: it slept already)", call.arguments[0]);
  if (call.owner_tid == 0) return fmt::format(" at {:#x}", call.arguments[0]);
  const std::string name = name_of ? name_of(call.owner_tid) : "";
  return fmt::format(" at {:#x}, held by {}{},", call.arguments[0],
                     name.empty() ? fmt::format("tid {}", call.owner_tid) : fmt::format("{} (tid {})", name, call.owner_tid),
                     OwnerDid(call, syscall_name));
}

std::string WakingInterrupt(const Waker& waker) {
  const char* level = waker.context == HFT_WAKER_SOFTIRQ ? "softirq" : waker.context == HFT_WAKER_NMI ? "NMI" : "interrupt";
  if (waker.source == HFT_SOURCE_NONE) return fmt::format("{} of a vector without a tracepoint", level);
  const std::string handler(waker.handler, std::find(waker.handler, waker.handler + sizeof(waker.handler), '\0'));
  return fmt::format("{} {}", level, InterruptName(waker.source, waker.number, handler));
}

// As a clause of its own; empty when it is not asked for.
std::string WokenBy(const Waker& waker, const std::function<std::string(uint32_t)>& name_of) {
  if (waker.state == WakerState::kNone) return "";
  if (waker.state == WakerState::kUnknown) return "; who woke it is not known: the record of the wake-up did not come";
  const bool thread = waker.context == HFT_WAKER_THREAD;
  return fmt::format("; woken by {} on CPU {}", thread ? ThreadName(waker.comm, waker.tid, name_of) : WakingInterrupt(waker), waker.cpu);
}

}  // namespace

std::string CauseEvidence(const Spike& spike, const Cause& cause, const std::function<std::string(uint32_t)>& name_of,
                          const std::function<std::string(int32_t)>& syscall_name) {
  const std::string duration = FormatDuration(cause.duration_ns);
  switch (cause.kind) {
    case CauseKind::kNmi:
    case CauseKind::kHardIrq:
    case CauseKind::kSoftirq:
      return InterruptEvidence(cause, duration);
    case CauseKind::kThread:
      if (cause.others) return fmt::format("other threads ran {} for {} while this thread was runnable", Times(cause.run_count), duration);
      return fmt::format("{} ran {} on CPU {} for {} while this thread was runnable", ActorOf(cause, name_of), Times(cause.run_count),
                         cause.cpu, duration);
    case CauseKind::kWaking:
      return fmt::format("runnable for {} on an idle CPU {}: wake-up, idle exit and scheduling", duration, cause.cpu);
    case CauseKind::kMigrating:
      if (IsMarked(spike.kind))
        return fmt::format("moved while it waited: {} between leaving one CPU's queue and entering another's", duration);
      return fmt::format("moved {} while it waited: {} between leaving one CPU's queue and entering another's",
                         Times(spike.wait_migrations), duration);
    case CauseKind::kBlocked: {
      const std::string syscall = cause.syscall >= 0 && syscall_name ? syscall_name(cause.syscall) : "";
      return fmt::format("was blocked {}{} for {}", BlockedIn(spike, cause, syscall_name),
                         WaitedFor(spike.call, syscall, name_of, syscall_name), duration) +
             WokenBy(spike.waker, name_of);
    }
    case CauseKind::kRunnable:
      return fmt::format("waited for a CPU for {}: spikes of that time of the kind preempted or run_queue tell for whom", duration);
    case CauseKind::kFault:
      if (IsMarked(spike.kind)) return fmt::format("the kernel handled page faults of its for {}", duration);
      return fmt::format("the kernel handled its {} for {}", KernelStallPhrase(spike.stall), duration);
    case CauseKind::kKernelLock:
      return LockEvidence(spike, duration, name_of);
    case CauseKind::kCompaction:
      return fmt::format("the kernel moved pages to make room (compaction) for {}", duration);
    case CauseKind::kReclaim:
      return fmt::format("the kernel looked for free memory (direct reclaim) for {}", duration);
    case CauseKind::kMigration:
      return MigrationEvidence(spike.stall, duration);
    case CauseKind::kRunning:
      if (cause.estimated) return fmt::format("had its CPU for {}; what is usual is not known yet", duration);
      return fmt::format("had its CPU for {}, which is no longer than {}", duration,
                         spike.kind == SpikeKind::kGap ? "the time between two heartbeats usually is" : "the operation usually takes");
  }
  return "";
}

}  // namespace hftmon
