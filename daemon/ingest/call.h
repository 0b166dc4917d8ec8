// Call: the system call in which a thread blocked. Passive data. Source: HFT_RECORD_CALL.
#ifndef HFTMON_DAEMON_INGEST_CALL_H_
#define HFTMON_DAEMON_INGEST_CALL_H_

#include <linux/types.h>

#include <cstdint>

#include "daemon/bpf/call_events.h"

namespace hftmon {

struct Call {
  hft_call_state state = HFT_CALL_NONE;  // NONE: nobody asked, it blocked in no call, or its record did not come; nothing else is meant
  hft_owner_source owner_source = HFT_OWNER_UNKNOWN;
  hft_owner_state owner_state = HFT_OWNER_STATE_UNKNOWN;
  uint8_t futex_command = HFT_NO_FUTEX;  // FUTEX_WAIT and so on; HFT_NO_FUTEX: none is waited for
  uint32_t futex_word = 0;               // as it stood when the thread left its CPU, where
  bool futex_word_known = false;         // somebody looked
  uint32_t owner_tid = 0;                // 0: not known
  int32_t owner_syscall = -1;            // HFT_OWNER_BLOCKED: the call that the owner blocked in, -1 = none
  uint8_t owner_priority = 0;            // owner_state known: kernel priority 0 … 139 without what it inherits; 255 for SCHED_DEADLINE
  uint8_t owner_policy = 0;              // SCHED_*
  int64_t wake_at_mono_ns = 0;           // a sleep until this time was asked for (hft_blocked_call.wake_at_ns); 0: none such
  uint64_t arguments[3] = {};            // HFT_CALL_KNOWN: the first three, as they were passed
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_CALL_H_
