// ThreadNames: the seam that turns a tid into its name, and into its numbers in its own pid namespace. Any thread but the housekeeping
// thread (it may read /proc).
#ifndef HFTMON_DAEMON_CONTROL_THREAD_NAMES_H_
#define HFTMON_DAEMON_CONTROL_THREAD_NAMES_H_

#include <cstdint>
#include <string>

namespace hftmon {

// In the innermost pid namespace. 0: that is the daemon's own, or not known.
struct ThreadNumbers {
  int32_t pid = 0;
  int32_t tid = 0;
  bool operator==(const ThreadNumbers&) const = default;
};

class ThreadNames {
 public:
  virtual ~ThreadNames() = default;
  // task->comm of `tid` now, or as last seen; "swapper" for 0; empty when never seen.
  virtual std::string NameOf(uint32_t tid) = 0;
  // Of `tid` of the process `tgid` (0: not known) now, or as last seen.
  virtual ThreadNumbers NumbersOf(uint32_t tgid, uint32_t tid) = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_THREAD_NAMES_H_
