#include "daemon/os/irqbalance_bans.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "common/cpu_list.h"

namespace hftmon {
namespace {

// Of the first variable of that name; empty: there is none.
std::string_view VariableOf(std::string_view environment, std::string_view name) {
  while (!environment.empty()) {
    const std::string_view variable = environment.substr(0, environment.find('\0'));
    environment.remove_prefix(std::min(variable.size() + 1, environment.size()));
    if (variable.size() > name.size() && variable.starts_with(name) && variable[name.size()] == '=')
      return variable.substr(name.size() + 1);
  }
  return {};
}

absl::StatusOr<std::optional<std::vector<int>>> Found(std::string_view name, absl::StatusOr<std::vector<int>> cpus) {
  if (!cpus.ok()) return absl::InvalidArgumentError(fmt::format("{}: {}", name, std::string(cpus.status().message())));
  return std::optional<std::vector<int>>(*std::move(cpus));
}

}  // namespace

absl::StatusOr<std::optional<std::vector<int>>> ParseIrqbalanceBans(std::string_view environment) {
  constexpr std::string_view kMask = "IRQBALANCE_BANNED_CPUS";
  constexpr std::string_view kList = "IRQBALANCE_BANNED_CPULIST";
  if (const std::string_view mask = VariableOf(environment, kMask); !mask.empty()) return Found(kMask, ParseCpuMask(mask));
  if (const std::string_view list = VariableOf(environment, kList); !list.empty()) return Found(kList, ParseCpuList(list));
  return std::optional<std::vector<int>>();
}

absl::StatusOr<std::optional<std::vector<int>>> ReadIrqbalanceBans(const FileRoot& root, pid_t pid) {
  const std::string path = fmt::format("/proc/{}/environ", pid);
  const absl::StatusOr<std::string> environment = root.ReadFile(path);
  if (!environment.ok()) return environment.status();
  absl::StatusOr<std::optional<std::vector<int>>> bans = ParseIrqbalanceBans(*environment);
  if (!bans.ok()) return absl::InvalidArgumentError(fmt::format("{}: {}", path, std::string(bans.status().message())));
  return bans;
}

}  // namespace hftmon
