#include "daemon/ingest/interrupt_builder.h"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace hftmon {
namespace {

// Below 2^62 ns: differences cannot overflow.
constexpr uint64_t kTimeLimitNs = 1ull << 62;
constexpr auto kNetRxSource = static_cast<hft_interrupt_source>(HFT_SOURCE_SOFTIRQ + 3);
static_assert(HFT_INTERFACE_NAME_LENGTH == HFT_HANDLER_NAME_LENGTH);

// The flush that came in the handler which began then. Where it were several, by different threads, none is named.
void SetSender(uint64_t start_ns, const HandlerNames& names, InterruptSpan* out) {
  for (const hft_arrived_shootdown& entry : names.shootdowns) {
    const std::atomic_ref<__u64> begun(const_cast<__u64&>(entry.start_ns));
    // Acquire: what the CPU wrote before it.
    if (begun.load(std::memory_order_acquire) != start_ns) continue;
    const hft_arrived_shootdown copy = entry;
    std::atomic_thread_fence(std::memory_order_acquire);  // the copy is whole where the entry is still the same
    if (begun.load(std::memory_order_relaxed) != start_ns || copy.tid == out->sender_tid) continue;
    if (out->sender_tid != 0) {
      out->sender_tid = 0;
      out->sender_tgid = 0;
      out->name[0] = '\0';
      return;
    }
    out->sender_tid = copy.tid;
    out->sender_tgid = copy.tgid;
    static_assert(sizeof(out->name) == sizeof(copy.comm));
    std::memcpy(out->name, copy.comm, sizeof(out->name));
    out->name[sizeof(out->name) - 1] = '\0';
  }
}

void FillSpan(const hft_interruption& from, const HandlerNames& names, InterruptSpan* out) {
  out->start_mono_ns = static_cast<int64_t>(std::min<uint64_t>(from.start_ns, kTimeLimitNs));
  out->duration_ns = from.duration_ns;
  out->unhandled = from.unhandled != 0;
  SetHandler(from.source, from.number, from.row, names, out);
  if (out->source == HFT_SOURCE_CALL_FUNCTION) SetSender(from.start_ns, names, out);
}

// Written once, before the first interruption of that row.
void CopyName(const char (&from)[HFT_HANDLER_NAME_LENGTH], char (&name)[HFT_HANDLER_NAME_LENGTH]) {
  std::memcpy(name, from, sizeof(name));
  name[sizeof(name) - 1] = '\0';
}

}  // namespace

void CopyHandlerName(hft_interrupt_source source, uint8_t row, const HandlerNames& names, char (&name)[HFT_HANDLER_NAME_LENGTH]) {
  name[0] = '\0';
  if (row == 0) return;
  if (source == HFT_SOURCE_DEVICE && row < names.devices.size()) CopyName(names.devices[row].name, name);
  if (source != kNetRxSource || row >= names.interfaces.size()) return;
  if (row == HFT_INTERFACE_BACKLOG) {
    std::memcpy(name, "backlog", sizeof("backlog"));
  } else {
    CopyName(names.interfaces[row].name, name);
  }
}

void SetHandler(uint8_t source, uint16_t number, uint8_t row, const HandlerNames& names, InterruptSpan* out) {
  out->sender_tid = 0;
  out->sender_tgid = 0;
  out->source = source < HFT_SOURCES ? static_cast<hft_interrupt_source>(source) : HFT_SOURCE_NONE;
  CopyHandlerName(out->source, row, names, out->name);
  out->number = out->source == kNetRxSource && out->name[0] != '\0' ? row : number;
}

void BuildInterrupts(const RingRecord& record, std::span<const hft_interruption> inline_interruptions, uint8_t announced, bool truncated,
                     const HandlerNames& names, InterruptList* out) {
  out->count = 0;
  out->truncated = truncated;
  if (announced == 0) return;
  const size_t wanted = std::min<size_t>(announced, kInterruptSpansMax);
  size_t count = 0;
  for (; count < std::min(wanted, inline_interruptions.size()); ++count) FillSpan(inline_interruptions[count], names, &out->spans[count]);
  for (int cell = 0; cell < record.continuation_count && count < wanted; ++cell) {
    if (record.continuation[cell].header.type != HFT_RECORD_INTERRUPTIONS) continue;
    for (const hft_interruption& interruption : record.continuation[cell].interruptions.interruptions) {
      if (count == wanted) break;
      FillSpan(interruption, names, &out->spans[count++]);
    }
  }
  out->count = static_cast<uint8_t>(count);
  out->truncated = truncated || count < announced;
}

bool BuildInterruption(const RingRecord& record, const ThreadKey& thread, const HandlerNames& names, Interruption* out) {
  const hft_interrupted& from = record.interrupted;
  if (from.stretch_start_ns > from.end_ns || from.end_ns >= kTimeLimitNs) return false;
  out->thread = thread;
  out->slot = from.slot;
  out->cpu = from.header.cpu;
  out->start_mono_ns = static_cast<int64_t>(from.stretch_start_ns);
  out->end_mono_ns = static_cast<int64_t>(from.end_ns);
  out->record_mono_ns = static_cast<int64_t>(from.header.mono_ns);
  BuildInterrupts(record, from.interruptions, from.interruption_count, from.truncated != 0, names, &out->interrupts);
  return true;
}

}  // namespace hftmon
