// Names of scheduling policies. Pure, any thread.
#ifndef HFTMON_DAEMON_ANALYSIS_POLICY_NAME_H_
#define HFTMON_DAEMON_ANALYSIS_POLICY_NAME_H_

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <string>

namespace hftmon {

// "other", "fifo", "rr", "batch", "idle", "deadline", "ext"; "policy N" for a number that this build does not know.
inline std::string PolicyName(uint32_t policy) {
  // By the kernel's number; 4 was never used.
  static constexpr std::array kNames = {"other", "fifo", "rr", "batch", "", "idle", "deadline", "ext"};
  if (policy >= kNames.size() || *kNames[policy] == 0) return fmt::format("policy {}", policy);
  return kNames[policy];
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_POLICY_NAME_H_
