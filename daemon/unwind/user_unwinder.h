// UserUnwinder: (registers, raw stack copy, what the process has mapped) -> frames, by the DWARF unwind tables of the mapped files.
//
// Runs in hftmon-unwind: what it reads belongs to the watched program. One thread. Bounds: kStackFramesMax frames, kProcessesMax processes'
// modules kept (least recently used goes first).
#ifndef HFTMON_DAEMON_UNWIND_USER_UNWINDER_H_
#define HFTMON_DAEMON_UNWIND_USER_UNWINDER_H_

#include <linux/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "daemon/bpf/stack_events.h"
#include "daemon/stacks/stack.h"
#include "daemon/unwind/process_modules.h"

namespace hftmon {

class UserUnwinder {
 public:
  static constexpr size_t kProcessesMax = 16;

  // `proc` stands in for /proc in tests.
  explicit UserUnwinder(std::string proc = "/proc") : proc_(std::move(proc)) {}

  StackPart Unwind(const hft_stack& record);

 private:
  struct Known {
    std::string maps;
    std::unique_ptr<ProcessModules> modules;
    uint64_t last_use = 0;
  };

  ProcessModules* ModulesOf(const hft_stack& record, std::string* reason);

  const std::string proc_;
  std::map<std::pair<uint32_t, uint64_t>, Known> known_;  // by tgid and the thread's start: tids come again
  uint64_t use_count_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_UNWIND_USER_UNWINDER_H_
