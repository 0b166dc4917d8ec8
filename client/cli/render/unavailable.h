// Threads without figures, for the answers that say of each thread whether it has some (fields available and reason). Pure functions.
#ifndef HFTMON_CLIENT_CLI_RENDER_UNAVAILABLE_H_
#define HFTMON_CLIENT_CLI_RENDER_UNAVAILABLE_H_

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/table.h"
#include "common/counted.h"
#include "hftmon/v1/locks.pb.h"

namespace hftmon {

template <typename Thread>
bool HasFigures(const Thread& thread) {
  return thread.available();
}

// Two groups tell of a thread's locks.
inline bool HasFigures(const v1::ThreadCalls& thread) {
  return thread.available() || thread.kernel_locks().available();
}

template <typename Threads>
int CountUnavailable(const Threads& threads) {
  return static_cast<int>(std::count_if(threads.begin(), threads.end(), [](const auto& thread) { return !HasFigures(thread); }));
}

// "unavailable for 3 threads: <reason>", a line for each reason in the order of the threads; "" when all have figures.
template <typename Threads>
std::string UnavailableText(const Threads& threads) {
  std::vector<std::pair<std::string, uint64_t>> reasons;
  for (const auto& thread : threads) {
    if (HasFigures(thread)) continue;
    const auto known = std::find_if(reasons.begin(), reasons.end(), [&](const auto& reason) { return reason.first == thread.reason(); });
    if (known == reasons.end()) {
      reasons.emplace_back(thread.reason(), 1);
    } else {
      ++known->second;
    }
  }
  std::string text;
  for (const auto& [reason, count] : reasons) text += fmt::format("unavailable for {}: {}\n", Counted(count, "thread"), Printable(reason));
  return text;
}

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_UNAVAILABLE_H_
