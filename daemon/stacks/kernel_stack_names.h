// KernelStackNames: stacks that a program of BPF left in a map of stacks, with the kernel's symbols.
//
// Owner: the daemon. Any thread but the housekeeping thread, one at a time (a mutex): who asks waits for the unwinder. A stack is named
// once: what a number of the map stands for never changes, as the map replaces none. Bound: kStacksMax are remembered.
#ifndef HFTMON_DAEMON_STACKS_KERNEL_STACK_NAMES_H_
#define HFTMON_DAEMON_STACKS_KERNEL_STACK_NAMES_H_

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "daemon/stacks/sender_stacks.h"
#include "daemon/stacks/stack_unwinder.h"

namespace hftmon {

class KernelStackNames : public SenderStacks {
 public:
  static constexpr size_t kStacksMax = 1024;

  // `read` tells the addresses of a stack, innermost first, empty where it cannot; `unwinder` is used by nobody else and outlives the
  // object.
  using Read = std::function<std::vector<uint64_t>(int32_t stack)>;
  KernelStackNames(Read read, StackUnwinder* unwinder) : read_(std::move(read)), unwinder_(unwinder) {}

  StackPart Find(int32_t stack) override;

 private:
  StackPart Name(int32_t stack);

  const Read read_;
  StackUnwinder* const unwinder_;
  std::mutex mutex_;
  std::map<int32_t, StackPart> known_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STACKS_KERNEL_STACK_NAMES_H_
