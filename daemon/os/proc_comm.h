// /proc/PID/comm: a thread's name. Pure, any thread.
#ifndef HFTMON_DAEMON_OS_PROC_COMM_H_
#define HFTMON_DAEMON_OS_PROC_COMM_H_

#include <string>
#include <string_view>

namespace hftmon {

// The name without the newline that the kernel appends. Names may hold any byte, newlines and blanks included.
inline std::string ParseProcComm(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  return std::string(text);
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_PROC_COMM_H_
