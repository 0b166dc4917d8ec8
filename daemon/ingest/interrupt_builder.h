// From the kernel's records of interrupts to what ingest delivers. Pure functions; every value is checked: the memory is shared with the
// kernel.
#ifndef HFTMON_DAEMON_INGEST_INTERRUPT_BUILDER_H_
#define HFTMON_DAEMON_INGEST_INTERRUPT_BUILDER_H_

#include <cstdint>
#include <span>

#include "daemon/ingest/handler_names.h"
#include "daemon/ingest/interval.h"
#include "daemon/ring/ring_record.h"

namespace hftmon {

// The interruptions of a record: those in its head cell, then those of its continuation. `announced` is what the kernel wrote; fewer are
// there, and `truncated` is set, when cells are missing. `names` are those of the record's CPU.
void BuildInterrupts(const RingRecord& record, std::span<const hft_interruption> inline_interruptions, uint8_t announced, bool truncated,
                     const HandlerNames& names, InterruptList* out);

// The name of a device's handler, or of the interface that a softirq NET_RX polled longest; empty for other sources and where it is not
// known.
void CopyHandlerName(hft_interrupt_source source, uint8_t row, const HandlerNames& names, char (&name)[HFT_HANDLER_NAME_LENGTH]);

// An InterruptSpan's source, number and name. The number of a softirq NET_RX whose interface is known is its row there: softirqs of two
// interfaces are two actors.
void SetHandler(uint8_t source, uint16_t number, uint8_t row, const HandlerNames& names, InterruptSpan* out);

// HFT_RECORD_INTERRUPTED. False when its times contradict each other.
bool BuildInterruption(const RingRecord& record, const ThreadKey& thread, const HandlerNames& names, Interruption* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_INTERRUPT_BUILDER_H_
