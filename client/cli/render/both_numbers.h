// Process and thread ids with their numbers in their own pid namespace, where that is another one than the daemon's. Pure functions.
#ifndef HFTMON_CLIENT_CLI_RENDER_BOTH_NUMBERS_H_
#define HFTMON_CLIENT_CLI_RENDER_BOTH_NUMBERS_H_

#include <fmt/format.h>

#include <cstdint>
#include <string>

#include "client/cli/render/json.h"

namespace hftmon {

// "4711 (7)"; "4711" without an inner number.
inline std::string BothNumbers(int32_t number, int32_t inner) {
  return inner > 0 ? fmt::format("{} ({})", number, inner) : std::to_string(number);
}

// "4711/4712", "4711/4712 (7/8)".
inline std::string BothNumbers(int32_t pid, int32_t tid, int32_t inner_pid, int32_t inner_tid) {
  return inner_pid > 0 ? fmt::format("{}/{} ({}/{})", pid, tid, inner_pid, inner_tid) : fmt::format("{}/{}", pid, tid);
}

// Of a process: the pid alone; of another thread: "4711/4712".
template <typename Thread>
std::string ThreadNumbersText(const Thread& thread) {
  return thread.pid() > 0 && thread.pid() != thread.tid()
             ? BothNumbers(thread.pid(), thread.tid(), thread.namespace_pid(), thread.namespace_tid())
             : BothNumbers(thread.tid(), thread.namespace_tid());
}

// {namespace_pid? namespace_tid?} into `json`.
template <typename Thread>
void AddInnerNumbers(const Thread& thread, Json* json) {
  if (thread.namespace_pid() > 0) (*json)["namespace_pid"] = thread.namespace_pid();
  if (thread.namespace_tid() > 0) (*json)["namespace_tid"] = thread.namespace_tid();
}

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_BOTH_NUMBERS_H_
