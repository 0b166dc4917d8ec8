// Fault: what a page fault was about. Passive data. Source: HFT_RECORD_FAULT.
#ifndef HFTMON_DAEMON_INGEST_FAULT_H_
#define HFTMON_DAEMON_INGEST_FAULT_H_

#include <linux/types.h>

#include <cstdint>

#include "daemon/bpf/memory_events.h"

namespace hftmon {

struct Fault {
  bool known = false;  // false: nothing else is meant
  hft_fault_kind kind = HFT_FAULT_USER_MINOR;
  uint64_t address = 0;
};

constexpr bool IsMajor(hft_fault_kind kind) {
  return kind == HFT_FAULT_USER_MAJOR || kind == HFT_FAULT_KERNEL_MAJOR;
}
constexpr bool IsInKernel(hft_fault_kind kind) {
  return kind == HFT_FAULT_KERNEL_MINOR || kind == HFT_FAULT_KERNEL_MAJOR;
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_FAULT_H_
