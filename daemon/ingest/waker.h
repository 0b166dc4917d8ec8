// Waker: who woke a watched thread, and when. Passive data. Source: HFT_RECORD_WAKER.
#ifndef HFTMON_DAEMON_INGEST_WAKER_H_
#define HFTMON_DAEMON_INGEST_WAKER_H_

#include <linux/types.h>

#include <cstdint>

#include "daemon/bpf/interrupt_events.h"
#include "daemon/bpf/switch_events.h"

namespace hftmon {

enum class WakerState : uint8_t {
  kNone,     // nobody asked, or the interval did not end with a wake-up
  kKnown,    // all of it is meant
  kUnknown,  // asked for, and its record did not come: nothing else is meant
};

struct Waker {
  WakerState state = WakerState::kNone;  // first: histories keep no more of one that is not known
  hft_waker_context context = HFT_WAKER_THREAD;
  hft_interrupt_source source = HFT_SOURCE_NONE;  // of the handler; NONE in an interrupt: its vector has no tracepoint
  uint8_t priority = 0;                           // kernel priority 0 … 139 of `tid`; 255 for SCHED_DEADLINE
  uint8_t policy = 0;                             // SCHED_*
  uint8_t woken_priority = 0;                     // of the thread that was woken
  uint8_t woken_policy = 0;
  uint16_t cpu = 0;
  uint16_t number = 0;  // of the interrupt (a device's) or the vector
  uint32_t tid = 0;     // the thread on the waker's CPU: the waker, or, unless `context` is THREAD, whom the interrupt interrupted
  uint32_t tgid = 0;    // tid 0 is the idle task
  int64_t woken_mono_ns = 0;
  char comm[HFT_COMM_LENGTH] = {};
  char handler[HFT_HANDLER_NAME_LENGTH] = {};  // of a device's handler, else empty
};

// Whether an interval that began so ends with a wake-up. Unknown: it left voluntarily, or was not seen leaving.
constexpr bool EndsWithWakeUp(hft_switch_kind out_kind) {
  return out_kind == HFT_SWITCH_UNKNOWN || out_kind == HFT_SWITCH_BLOCKED_SYSCALL || out_kind == HFT_SWITCH_BLOCKED_FAULT;
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_WAKER_H_
