// From the kernel's records of interrupts to what ingest delivers. Pure functions; every value is checked: the memory is shared with the
// kernel.
#ifndef HFTMON_DAEMON_INGEST_INTERRUPT_BUILDER_H_
#define HFTMON_DAEMON_INGEST_INTERRUPT_BUILDER_H_

#include <cstdint>
#include <span>

#include "daemon/ingest/interval.h"
#include "daemon/ring/ring_record.h"

namespace hftmon {

// The interruptions of a record: those in its head cell, then those of its continuation. `announced` is what the kernel wrote; fewer are
// there, and `truncated` is set, when cells are missing. `devices` names the handlers of devices.
void BuildInterrupts(const RingRecord& record, std::span<const hft_interruption> inline_interruptions, uint8_t announced, bool truncated,
                     std::span<const hft_device_row> devices, InterruptList* out);

// The name of a device's handler; empty for other sources and where it is not known.
void CopyHandlerName(hft_interrupt_source source, uint8_t row, std::span<const hft_device_row> devices,
                     char (&name)[HFT_HANDLER_NAME_LENGTH]);

// HFT_RECORD_INTERRUPTED. False when its times contradict each other.
bool BuildInterruption(const RingRecord& record, const ThreadKey& thread, std::span<const hft_device_row> devices, Interruption* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_INTERRUPT_BUILDER_H_
