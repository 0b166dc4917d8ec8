// SenderStacks: the seam through which the service names the kernel stacks of those who send shootdowns. Any thread but the housekeeping
// thread; the first question may wait while the kernel's symbols are read.
#ifndef HFTMON_DAEMON_STACKS_SENDER_STACKS_H_
#define HFTMON_DAEMON_STACKS_SENDER_STACKS_H_

#include <cstdint>

#include "daemon/stacks/stack.h"

namespace hftmon {

class SenderStacks {
 public:
  virtual ~SenderStacks() = default;
  // What the first Find would wait for: so that who must not wait need not.
  virtual void Prepare() = 0;
  // Of SenderTotal.stack. Always answers: what cannot be had is kUnavailable with the reason.
  virtual StackPart Find(int32_t stack) = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STACKS_SENDER_STACKS_H_
