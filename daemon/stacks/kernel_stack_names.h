// KernelStackNames: stacks that a program of BPF left in a map of stacks, with the kernel's symbols.
//
// Owner: the daemon. Any thread but the housekeeping thread, one at a time (a mutex): the first who asks waits while /proc/kallsyms is
// read, some 0.2 s, and some 12 MB of it are kept. A stack is named once: what a number of the map stands for never changes, as the map
// replaces none. The frames of the program that took it are left out. Bound: kStacksMax are remembered.
#ifndef HFTMON_DAEMON_STACKS_KERNEL_STACK_NAMES_H_
#define HFTMON_DAEMON_STACKS_KERNEL_STACK_NAMES_H_

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "daemon/stacks/kernel_symbols.h"
#include "daemon/stacks/sender_stacks.h"

namespace hftmon {

class KernelStackNames : public SenderStacks {
 public:
  static constexpr size_t kStacksMax = 1024;

  // `read` tells the addresses of a stack, innermost first, empty where it cannot.
  using Read = std::function<std::vector<uint64_t>(int32_t stack)>;
  explicit KernelStackNames(Read read, std::string symbols_path = "/proc/kallsyms")
      : read_(std::move(read)), symbols_(std::move(symbols_path)) {}

  void Prepare() override;
  StackPart Find(int32_t stack) override;

 private:
  StackPart Name(int32_t stack);

  const Read read_;
  std::mutex mutex_;
  KernelSymbols symbols_;
  std::map<int32_t, StackPart> known_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STACKS_KERNEL_STACK_NAMES_H_
