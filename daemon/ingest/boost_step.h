// BoostStep: the kernel gives a watched thread another priority, because of who waits for its locks. Passive data. Source: HFT_RECORD_BOOST
// (sched_pi_setprio).
#ifndef HFTMON_DAEMON_INGEST_BOOST_STEP_H_
#define HFTMON_DAEMON_INGEST_BOOST_STEP_H_

#include <cstdint>

#include "daemon/ingest/interval.h"

namespace hftmon {

struct BoostStep {
  ThreadKey thread;
  uint16_t slot = 0;
  uint8_t old_priority = 0;  // kernel priority 0 … 139; 255 for SCHED_DEADLINE
  uint8_t new_priority = 0;
  uint8_t own_priority = 0;  // without what it inherits
  uint8_t policy = 0;        // SCHED_*, its own
  uint32_t donor_tid = 0;    // who waits for it and is most urgent; 0: nobody any more
  uint32_t donor_tgid = 0;
  int64_t mono_ns = 0;
  char donor_comm[HFT_COMM_LENGTH] = {};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_BOOST_STEP_H_
