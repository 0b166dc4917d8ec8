// EarlierSleep: what is known of a thread that sleeps or is blocked, from the list of tasks. Passive data. Source: task_struct, and the
// registers with which it entered the kernel (daemon/bpf/tasks.bpf.c).
#ifndef HFTMON_DAEMON_COLLECTORS_EARLIER_SLEEP_H_
#define HFTMON_DAEMON_COLLECTORS_EARLIER_SLEEP_H_

#include <linux/types.h>

#include <cstdint>

#include "daemon/bpf/call_events.h"

namespace hftmon {

struct EarlierSleep {
  int64_t found_mono_ns = 0;            // when the list found it asleep; > 0
  uint16_t cpu = 0;                     // where it ran last
  int32_t syscall = -1;                 // in which it sleeps; -1: in none, or not known; HFT_STOPPED
  hft_call_state call = HFT_CALL_NONE;  // KNOWN: the arguments too; NO_REGISTERS: at most the call; NONE: it is in none
  uint64_t arguments[3] = {};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_COLLECTORS_EARLIER_SLEEP_H_
