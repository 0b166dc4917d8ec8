// UserUnwinder: (registers, raw stack copy, what the process has mapped) -> frames, by the DWARF unwind tables of the mapped files.
//
// Runs in hftmon-unwind: what it reads belongs to the watched program. One thread. Bounds: kStackFramesMax frames, kProcessesMax processes'
// modules kept (least recently used goes first).
// What is mapped is read anew for each stack, because programs load and unload; where that took long (60,000 mappings: 50 ms, in which the
// program's own memory calls wait) not again for kMapsRest times as long, kMapsRestNsMax at most, unless the stack begins in code that is
// not known. Only executable mappings count: others come and go without anything being made anew.
#ifndef HFTMON_DAEMON_UNWIND_USER_UNWINDER_H_
#define HFTMON_DAEMON_UNWIND_USER_UNWINDER_H_

#include <linux/types.h>

#include <cstdint>
#include <functional>
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
  static constexpr int64_t kMapsRest = 20;
  static constexpr int64_t kMapsRestNsMax = 1'000'000'000;

  // `proc` stands in for /proc in tests, `now_ns` for the monotonic clock.
  explicit UserUnwinder(std::string proc = "/proc", std::function<int64_t()> now_ns = SteadyNowNs)
      : proc_(std::move(proc)), now_ns_(std::move(now_ns)) {}

  StackPart Unwind(const hft_stack& record);

  // Since it was made: how often maps were read, and how often modules were made of them.
  uint64_t maps_read_count() const { return maps_read_count_; }
  uint64_t modules_built_count() const { return modules_built_count_; }

 private:
  struct Known {
    std::string maps;  // lines of executable mappings
    std::unique_ptr<ProcessModules> modules;
    int64_t fresh_until_ns = 0;
    uint64_t last_use = 0;
  };

  static int64_t SteadyNowNs();
  ProcessModules* ModulesOf(const hft_stack& record, std::string* reason);
  // False, and why: it cannot be read.
  bool Refresh(const std::string& task, Known* known, std::string* reason);

  const std::string proc_;
  const std::function<int64_t()> now_ns_;
  uint64_t maps_read_count_ = 0;
  uint64_t modules_built_count_ = 0;
  std::map<std::pair<uint32_t, uint64_t>, Known> known_;  // by tgid and the thread's start: tids come again
  uint64_t use_count_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_UNWIND_USER_UNWINDER_H_
