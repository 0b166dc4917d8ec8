#include "daemon/ingest/fault_builder.h"

#include <algorithm>

#include "daemon/ingest/interrupt_builder.h"

namespace hftmon {
namespace {

// Below 2^62 ns: differences cannot overflow.
constexpr uint64_t kTimeLimitNs = 1ull << 62;

int64_t AtMost(uint64_t value_ns, int64_t limit_ns) {
  return static_cast<int64_t>(std::min<uint64_t>(value_ns, static_cast<uint64_t>(limit_ns)));
}

}  // namespace

bool BuildFault(const RingRecord& record, const ThreadKey& thread, std::span<const hft_device_row> devices, EndedFault* out) {
  const hft_fault& from = record.fault;
  if (from.start_ns > from.end_ns || from.end_ns >= kTimeLimitNs) return false;
  if (from.kind >= HFT_FAULT_KINDS) return false;
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
  out->on_cpu = from.on_cpu != 0;
  out->fault = {.known = true, .kind = static_cast<hft_fault_kind>(from.kind), .address = from.address};
  BuildInterrupts(record, {}, from.interruption_count, from.interruptions_truncated != 0 || record.continuation_incomplete, devices,
                  &out->interrupts);
  return true;
}

}  // namespace hftmon
