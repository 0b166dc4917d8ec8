// SwitchEvent: an off-CPU interval, a migration or the end of a thread, small enough that the history keeps many of them.
#ifndef HFTMON_DAEMON_STORE_SWITCH_EVENT_H_
#define HFTMON_DAEMON_STORE_SWITCH_EVENT_H_

#include <cstddef>
#include <cstdint>

#include "daemon/ingest/interval.h"
#include "daemon/store/seq_ring.h"

namespace hftmon {

struct SwitchEvent {
  ThreadKey thread;
  int64_t end_mono_ns = 0;
  int64_t off_cpu_ns = 0;  // -1 when the switch-out was not seen; 0 for a migration
  int64_t wait_ns = 0;     // its run-queue part; 0 for a migration: that wait is part of the interval that follows
  int32_t out_syscall = -1;
  uint32_t prev_tid = 0;
  char prev_comm[HFT_COMM_LENGTH] = {};
  uint16_t cpu_out = 0;  // migration: from
  uint16_t cpu_in = 0;   // migration: to
  hft_switch_kind out_kind = HFT_SWITCH_UNKNOWN;
  uint8_t depth = 0;
  bool is_migration = false;
  bool is_end = false;  // the thread's last switch, on cpu_out: nothing else is meant
  hft_migration_reason migration_reason = HFT_MIGRATION_UNKNOWN;
  int64_t wake_at_mono_ns = 0;  // Call.wake_at_mono_ns of the call that it slept in; 0: none such, or not known
  Waker waker;
};

template <>
struct SeqRingParts<SwitchEvent> {
  template <typename Keep>
  static void Each(const SwitchEvent& event, Keep keep) {
    if (event.waker.state == WakerState::kKnown) {
      keep(0, SeqRingBytes<sizeof(SwitchEvent)>());
    } else {
      keep(0, SeqRingBytes<offsetof(SwitchEvent, waker) + sizeof(event.waker.state)>());
    }
  }
  static void Complete(SwitchEvent*) {}
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STORE_SWITCH_EVENT_H_
