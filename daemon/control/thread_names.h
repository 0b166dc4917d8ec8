// ThreadNames: the seam that turns a tid into its name. Any thread but the housekeeping thread (it may read /proc).
#ifndef HFTMON_DAEMON_CONTROL_THREAD_NAMES_H_
#define HFTMON_DAEMON_CONTROL_THREAD_NAMES_H_

#include <cstdint>
#include <string>

namespace hftmon {

class ThreadNames {
 public:
  virtual ~ThreadNames() = default;
  // task->comm of `tid` now, or as last seen; "swapper" for 0; empty when never seen.
  virtual std::string NameOf(uint32_t tid) = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_THREAD_NAMES_H_
