// StackSource: the seam through which the service finds the stack of a wait that ended. Any thread but the housekeeping thread.
#ifndef HFTMON_DAEMON_STACKS_STACK_SOURCE_H_
#define HFTMON_DAEMON_STACKS_STACK_SOURCE_H_

#include <cstdint>
#include <memory>

#include "daemon/stacks/stack.h"

namespace hftmon {

class StackSource {
 public:
  virtual ~StackSource() = default;
  // Of the wait of `tid` whose closing record bears `end_mono_ns`; nullptr when none was asked for, came or is kept.
  virtual std::shared_ptr<const Stack> Find(uint32_t tid, int64_t end_mono_ns) const = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STACKS_STACK_SOURCE_H_
