// What the sources of interrupts are called. Pure, any thread.
#ifndef HFTMON_DAEMON_ANALYSIS_INTERRUPT_NAMES_H_
#define HFTMON_DAEMON_ANALYSIS_INTERRUPT_NAMES_H_

#include <linux/types.h>

#include <cstdint>
#include <string>

#include "daemon/bpf/interrupt_events.h"

namespace hftmon {

// "NET_RX", "local_timer", "reschedule", "vector 249", …; for a device its handler's name, "irq 36" when that is not known.
// `handler` of a softirq: the interface that it polled longest, as "NET_RX (eth0)".
std::string InterruptName(hft_interrupt_source source, uint16_t number, const std::string& handler);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_INTERRUPT_NAMES_H_
