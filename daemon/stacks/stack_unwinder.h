// StackUnwinder: the seam between the stack collector and whoever makes frames of a raw record. One thread.
#ifndef HFTMON_DAEMON_STACKS_STACK_UNWINDER_H_
#define HFTMON_DAEMON_STACKS_STACK_UNWINDER_H_

#include <linux/types.h>

#include "daemon/bpf/stack_events.h"
#include "daemon/stacks/stack.h"

namespace hftmon {

class StackUnwinder {
 public:
  virtual ~StackUnwinder() = default;
  // Always answers: a part that cannot be had is kUnavailable with the reason. Costs and times are the caller's to fill in.
  virtual Stack Unwind(const hft_stack& record) = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STACKS_STACK_UNWINDER_H_
