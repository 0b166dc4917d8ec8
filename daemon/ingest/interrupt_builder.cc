#include "daemon/ingest/interrupt_builder.h"

#include <algorithm>
#include <cstring>

namespace hftmon {
namespace {

// Below 2^62 ns: differences cannot overflow.
constexpr uint64_t kTimeLimitNs = 1ull << 62;

void FillSpan(const hft_interruption& from, std::span<const hft_device_row> devices, InterruptSpan* out) {
  out->start_mono_ns = static_cast<int64_t>(std::min<uint64_t>(from.start_ns, kTimeLimitNs));
  out->duration_ns = from.duration_ns;
  out->source = from.source < HFT_SOURCES ? static_cast<hft_interrupt_source>(from.source) : HFT_SOURCE_NONE;
  out->number = from.number;
  out->unhandled = from.unhandled != 0;
  CopyHandlerName(out->source, from.row, devices, out->name);
}

}  // namespace

void CopyHandlerName(hft_interrupt_source source, uint8_t row, std::span<const hft_device_row> devices,
                     char (&name)[HFT_HANDLER_NAME_LENGTH]) {
  name[0] = '\0';
  if (source != HFT_SOURCE_DEVICE || row == 0 || row >= devices.size()) return;
  // Written once, before the first interruption of that row.
  std::memcpy(name, devices[row].name, sizeof(name));
  name[sizeof(name) - 1] = '\0';
}

void BuildInterrupts(const RingRecord& record, std::span<const hft_interruption> inline_interruptions, uint8_t announced, bool truncated,
                     std::span<const hft_device_row> devices, InterruptList* out) {
  out->count = 0;
  out->truncated = truncated;
  if (announced == 0) return;
  const size_t wanted = std::min<size_t>(announced, kInterruptSpansMax);
  size_t count = 0;
  for (; count < std::min(wanted, inline_interruptions.size()); ++count) FillSpan(inline_interruptions[count], devices, &out->spans[count]);
  for (int cell = 0; cell < record.continuation_count && count < wanted; ++cell) {
    if (record.continuation[cell].header.type != HFT_RECORD_INTERRUPTIONS) continue;
    for (const hft_interruption& interruption : record.continuation[cell].interruptions.interruptions) {
      if (count == wanted) break;
      FillSpan(interruption, devices, &out->spans[count++]);
    }
  }
  out->count = static_cast<uint8_t>(count);
  out->truncated = truncated || count < announced;
}

bool BuildInterruption(const RingRecord& record, const ThreadKey& thread, std::span<const hft_device_row> devices, Interruption* out) {
  const hft_interrupted& from = record.interrupted;
  if (from.stretch_start_ns > from.end_ns || from.end_ns >= kTimeLimitNs) return false;
  out->thread = thread;
  out->slot = from.slot;
  out->cpu = from.header.cpu;
  out->start_mono_ns = static_cast<int64_t>(from.stretch_start_ns);
  out->end_mono_ns = static_cast<int64_t>(from.end_ns);
  out->record_mono_ns = static_cast<int64_t>(from.header.mono_ns);
  BuildInterrupts(record, from.interruptions, from.interruption_count, from.truncated != 0, devices, &out->interrupts);
  return true;
}

}  // namespace hftmon
