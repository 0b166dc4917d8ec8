#include "daemon/service/evidence/real_time_limits.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace hftmon {
namespace {

constexpr std::pair<int, int> kFairServerRelease = {6, 12};

std::optional<int64_t> ReadInteger(const FileRoot& files, std::string_view path) {
  const absl::StatusOr<std::string> text = files.ReadFile(path);
  int64_t number = 0;
  return text.ok() && absl::SimpleAtoi(*text, &number) ? std::optional(number) : std::nullopt;
}

std::optional<std::pair<int, int>> ParseRelease(const std::string& release) {
  const std::vector<std::string> parts = absl::StrSplit(release, absl::MaxSplits(absl::ByAnyChar(".-"), 2));
  std::pair<int, int> number;
  if (parts.size() < 2 || !absl::SimpleAtoi(parts[0], &number.first) || !absl::SimpleAtoi(parts[1], &number.second)) return std::nullopt;
  return number;
}

// Of the file that distributions install beside the kernel.
std::optional<bool> IsBuiltIn(const FileRoot& files, const std::string& release, std::string_view option) {
  const absl::StatusOr<std::vector<std::string>> lines = files.ReadLines(absl::StrCat("/boot/config-", release));
  if (!lines.ok()) return std::nullopt;
  const std::string built_in = absl::StrCat(std::string(option), "=y");
  const std::string left_out = absl::StrCat("# ", std::string(option), " is not set");
  for (const std::string& line : *lines) {
    if (line == built_in) return true;
    if (line == left_out) return false;
  }
  return std::nullopt;
}

}  // namespace

RealTimeLimits ReadRealTimeLimits(const FileRoot& files) {
  RealTimeLimits limits;
  limits.rt_runtime_us = ReadInteger(files, "/proc/sys/kernel/sched_rt_runtime_us");
  const absl::StatusOr<std::string> text = files.ReadFile("/proc/sys/kernel/osrelease");
  const std::string release(Trim(text.ok() ? *text : ""));
  if (const auto number = ParseRelease(release)) limits.can_have_fair_server = *number >= kFairServerRelease;
  limits.group_scheduling = IsBuiltIn(files, release, "CONFIG_RT_GROUP_SCHED");
  limits.fair_runtime_ns = [files](int cpu) {
    return ReadInteger(files, absl::StrCat("/sys/kernel/debug/sched/fair_server/cpu", cpu, "/runtime"));
  };
  return limits;
}

std::string LimiterOf(const RealTimeLimits& limits, const CpuList& cpus) {
  bool all_off = !cpus.empty();
  bool some_on = false;
  for (const int cpu : cpus) {
    const std::optional<int64_t> runtime_ns = limits.fair_runtime_ns(cpu);
    all_off = all_off && runtime_ns == 0;
    some_on = some_on || (runtime_ns && *runtime_ns > 0);
  }
  const bool has_server = some_on || limits.can_have_fair_server.value_or(true);
  if (!has_server || all_off) return "rt_limit";
  if (limits.rt_runtime_us && *limits.rt_runtime_us < 0) return "fair_server";  // nothing else is left
  // With the server the limit is there in kernels with group scheduling alone.
  const bool has_limit = limits.group_scheduling.value_or(true);
  return has_limit || !limits.can_have_fair_server.value_or(false) ? "either" : "fair_server";
}

}  // namespace hftmon
