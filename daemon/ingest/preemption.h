// Preemption: how a watched thread lost its CPU to another although it could run on. Passive data. Source: HFT_RECORD_PREEMPTED.
#ifndef HFTMON_DAEMON_INGEST_PREEMPTION_H_
#define HFTMON_DAEMON_INGEST_PREEMPTION_H_

#include <linux/types.h>

#include <cstdint>

#include "daemon/bpf/switch_events.h"

namespace hftmon {

struct Preemption {
  bool known = false;              // false: its record did not come; nothing else is meant then
  bool preemptor_stopper = false;  // the CPU's stopper thread
  uint8_t victim_priority = 0;     // kernel priority 0 … 139; 255 for SCHED_DEADLINE
  uint8_t victim_policy = 0;       // SCHED_*
  uint8_t preemptor_priority = 0;
  uint8_t preemptor_policy = 0;
  uint32_t preemptor_tid = 0;
  uint32_t preemptor_tgid = 0;
  int64_t preemptor_queued_ns = -1;  // how long it had been on the queue; -1 = unknown
  char preemptor_comm[HFT_COMM_LENGTH] = {};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_PREEMPTION_H_
