// CallTotals: the seam through which the service reads what threads blocked in, as the programs keep it.
//
// Implemented by whoever owns the memory, faked in tests. Any thread; reads mapped memory, never blocks the housekeeping thread.
#ifndef HFTMON_DAEMON_SERVICE_CALL_TOTALS_H_
#define HFTMON_DAEMON_SERVICE_CALL_TOTALS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/ingest/interval.h"

namespace hftmon {

struct CallTotal {
  int32_t syscall = 0;  // of `others`: nothing
  uint64_t count = 0;
  int64_t blocked_ns = 0;
  int64_t wait_ns = 0;
  int64_t longest_ns = 0;
  int32_t longest_descriptor = -1;  // the first argument of the longest: of a call on a file its descriptor
};

struct ThreadCallTotal {
  ThreadKey thread;
  std::string unavailable;  // why there are no figures, and the mend; empty: there are
  std::vector<CallTotal> calls;
  std::optional<CallTotal> others;
};

class CallTotals {
 public:
  virtual ~CallTotals() = default;
  // Every thread of the process that has a slot now. Each figure stands for itself: one may be a moment newer than another.
  virtual std::vector<ThreadCallTotal> ThreadsOf(uint32_t tgid) const = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CALL_TOTALS_H_
