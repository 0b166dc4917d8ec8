// SlotStack: the free thread slots, shared with the kernel's fork hook, which pops one for each new thread of a watched process.
// Threads: the control thread (Pop on attach, Push on release). A slot is zeroed before it is pushed. Real: a BPF stack map; tests: a fake.
#ifndef HFTMON_DAEMON_COLLECTORS_SLOT_STACK_H_
#define HFTMON_DAEMON_COLLECTORS_SLOT_STACK_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace hftmon {

class SlotStack {
 public:
  virtual ~SlotStack() = default;
  // RESOURCE_EXHAUSTED when every slot is in use.
  virtual absl::StatusOr<uint16_t> Pop() = 0;
  virtual absl::Status Push(uint16_t slot) = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_COLLECTORS_SLOT_STACK_H_
