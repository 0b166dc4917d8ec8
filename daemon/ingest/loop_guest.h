// LoopGuest: what the housekeeping loop looks at besides the kernel's memory.
#ifndef HFTMON_DAEMON_INGEST_LOOP_GUEST_H_
#define HFTMON_DAEMON_INGEST_LOOP_GUEST_H_

#include <cstdint>

namespace hftmon {

class LoopGuest {
 public:
  virtual ~LoopGuest() = default;
  // Once an iteration, by the housekeeping thread: no allocation, lock or system call, and a bounded time. True when there was something to
  // do. `now_ns`: when the iteration began.
  virtual bool Poll(int64_t now_ns) = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_LOOP_GUEST_H_
