// From the kernel's records to what ingest delivers. Pure functions: no state but the counters and the output, which the caller reuses.
//
// Every value comes from memory shared with the kernel and is checked: counts are bounded by what the record can hold, times by one
// another. Invariants of an interval made here: the waits of its segments sum to at most wait_ns, the spans of a segment to at most its
// wait, none is negative; if they fall short of it for want of runners, runners_truncated is set.
#ifndef HFTMON_DAEMON_INGEST_INTERVAL_BUILDER_H_
#define HFTMON_DAEMON_INGEST_INTERVAL_BUILDER_H_

#include <cstdint>
#include <span>

#include "daemon/ingest/boost_step.h"
#include "daemon/ingest/handler_names.h"
#include "daemon/ingest/interval.h"
#include "daemon/ingest/thread_table.h"
#include "daemon/ingest/waker_table.h"
#include "daemon/ring/ring_record.h"

namespace hftmon {

struct BuildCounters {
  uint64_t discarded_count = 0;                   // times that contradicted each other and were cut to what is possible
  uint64_t migration_segments_dropped_count = 0;  // parts of waits that were lost or did not fit
};

// `earlier`: the parts of the same wait on other CPUs, oldest first (ThreadTable::Claim with wait_migrations). Fills *out except what
// stands beyond segment_count and span_count.
// `names` are those of the record's CPU.
void BuildInterval(const RingRecord& record, const ThreadKey& thread, std::span<const WaitPart> earlier, const HandlerNames& names,
                   OffCpuInterval* out, BuildCounters* counters);

// How a wait began.
void BuildPreemption(const RingRecord& record, Preemption* out);

// Who wakes a thread. `devices` are the handlers known on the waker's CPU.
void BuildWaker(const RingRecord& record, std::span<const hft_device_row> devices, WakerTable::Entry* out, BuildCounters* counters);

// What a thread blocked in.
void BuildCall(const hft_blocked_call& from, Call* out, BuildCounters* counters);

// A change of priority by inheritance.
void BuildBoostStep(const RingRecord& record, const ThreadKey& thread, BoostStep* out);

// A queued migration's part of the wait.
void BuildWaitPart(const RingRecord& record, WaitPart* out, BuildCounters* counters);

// FORK, EXEC, ENDED, RECYCLED and VISITOR. A slot of `slot_count` or above becomes HFT_NO_SLOT.
void BuildLifeEvent(const RingRecord& record, uint32_t slot_count, LifeEvent* out);

void BuildMigrationEvent(const RingRecord& record, const ThreadKey& thread, LifeEvent* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_INTERVAL_BUILDER_H_
