#include "daemon/os/idle_states.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/os/number_file.h"

namespace hftmon {
namespace {

constexpr int64_t kUsNs = 1'000;

}  // namespace

absl::StatusOr<std::vector<IdleState>> ReadIdleStates(const FileRoot& root, int cpu) {
  constexpr std::string_view kPrefix = "state";
  const std::string folder = fmt::format("/sys/devices/system/cpu/cpu{}/cpuidle", cpu);
  const auto names = root.List(folder);
  if (!names.ok()) return names.status();
  std::vector<IdleState> states;
  for (const std::string& entry : *names) {
    if (!entry.starts_with(kPrefix)) continue;
    const auto index = ParseNumber<int>(std::string_view(entry).substr(kPrefix.size()));
    if (!index || *index < 0) continue;
    const std::string state = folder + "/" + entry;
    const auto name = root.ReadFile(state + "/name");
    const auto disable = ReadNumber<int>(root, state + "/disable");
    states.push_back({.index = *index,
                      .name = name.ok() ? std::string(Trim(*name)) : entry,
                      .target_latency_ns = ReadNs(root, state + "/latency", kUsNs),
                      .entry_count = ReadNumber<uint64_t>(root, state + "/usage"),
                      .duration_ns = ReadNs(root, state + "/time", kUsNs),
                      .disabled = disable ? std::optional<bool>(*disable != 0) : std::nullopt});
  }
  std::sort(states.begin(), states.end(), [](const IdleState& a, const IdleState& b) { return a.index < b.index; });
  return states;
}

}  // namespace hftmon
