#include "daemon/ingest/kernel_stall_builder.h"

#include <algorithm>

#include "daemon/ingest/interrupt_builder.h"

namespace hftmon {
namespace {

// Below 2^62 ns: differences cannot overflow.
constexpr uint64_t kTimeLimitNs = 1ull << 62;

int64_t AtMost(uint64_t value_ns, int64_t limit_ns) {
  return static_cast<int64_t>(std::min<uint64_t>(value_ns, static_cast<uint64_t>(limit_ns)));
}

void FillDetail(const hft_kernel_time& from, KernelStall* out) {
  out->known = true;
  out->what = static_cast<hft_kernel_what>(from.what);
  const bool lock = out->what == HFT_KERNEL_LOCK;
  out->fault_kind = out->what == HFT_KERNEL_FAULT ? static_cast<hft_fault_kind>(from.kind) : HFT_FAULT_USER_MINOR;
  out->lock_type = lock ? static_cast<hft_lock_type>(from.kind) : HFT_LOCK_SPIN;
  out->lock_flags = lock ? from.lock_flags : 0;
  out->owner_tid = lock ? from.owner_tid : 0;
  out->owner_tgid = lock ? from.owner_tgid : 0;
  out->address = from.object;
}

}  // namespace

bool BuildKernelStall(const RingRecord& record, const ThreadKey& thread, const HandlerNames& names, EndedKernelStall* out) {
  const hft_kernel_time& from = record.kernel_time;
  if (from.start_ns > from.end_ns || from.end_ns >= kTimeLimitNs) return false;
  if (from.what >= HFT_KERNEL_WHATS) return false;
  if (from.kind >= (from.what == HFT_KERNEL_FAULT ? int{HFT_FAULT_KINDS} : int{HFT_LOCK_TYPES})) return false;
  out->thread = thread;
  out->slot = from.slot;
  out->cpu = from.header.cpu;
  out->start_mono_ns = static_cast<int64_t>(from.start_ns);
  out->end_mono_ns = static_cast<int64_t>(from.end_ns);
  out->record_mono_ns = static_cast<int64_t>(from.header.mono_ns);
  const int64_t duration_ns = out->end_mono_ns - out->start_mono_ns;
  // The scheduler's clock and this one may be a moment apart.
  out->off_cpu_ns = AtMost(from.off_cpu_ns, duration_ns);
  out->wait_ns = AtMost(from.wait_ns, out->off_cpu_ns);
  int64_t left_ns = duration_ns - out->off_cpu_ns;
  for (size_t level = 0; level < out->interrupted_ns.size(); ++level) {
    out->interrupted_ns[level] = AtMost(from.interrupted_ns[level], left_ns);
    left_ns -= out->interrupted_ns[level];
  }
  int64_t left_off_cpu_ns = out->off_cpu_ns - out->wait_ns;
  const auto take = [&](size_t stall, uint32_t on_cpu_ns, uint32_t off_cpu_ns) {
    out->stall_ns[stall] = AtMost(on_cpu_ns, left_ns);
    left_ns -= out->stall_ns[stall];
    out->stall.stall_off_cpu_ns[stall] = AtMost(off_cpu_ns, left_off_cpu_ns);
    left_off_cpu_ns -= out->stall.stall_off_cpu_ns[stall];
  };
  for (size_t stall = 0; stall < HFT_ARRAY_STALLS; ++stall) take(stall, from.stall_ns[stall], from.stall_off_cpu_ns[stall]);
  const bool lock = from.what == HFT_KERNEL_LOCK;  // it has its holder there
  take(HFT_STALL_MIGRATION, lock ? 0 : from.migration_ns, lock ? 0 : from.migration_off_cpu_ns);
  out->on_cpu = from.on_cpu != 0;
  FillDetail(from, &out->stall);
  BuildInterrupts(record, {}, from.interruption_count, from.interruptions_truncated != 0 || record.continuation_incomplete, names,
                  &out->interrupts);
  return true;
}

}  // namespace hftmon
