#include "daemon/sampled_process.h"

#include <fmt/format.h>

#include <string>

#include "daemon/with_reason.h"

namespace hftmon {
namespace {

absl::Status NotFound(const std::string& message, const char* reason) {
  return WithReason(absl::NotFoundError(message), reason);
}

}  // namespace

absl::Status EndedBefore(uint32_t pid, std::string_view what) {
  return NotFound(fmt::format("process {} ended before {} sampled: name one that runs", pid, what), "ENDED");
}

absl::Status Detached(uint32_t pid, std::string_view what) {
  return NotFound(
      fmt::format("process {} is no target any more: it was detached before {} sampled to the end: attach it and call again", pid, what),
      "NOT_A_TARGET");
}

absl::Status CheckRuns(SampledProcess process, uint32_t pid, std::string_view what) {
  if (process == SampledProcess::kEnded) return EndedBefore(pid, what);
  return process == SampledProcess::kNotTarget ? Detached(pid, what) : absl::OkStatus();
}

}  // namespace hftmon
