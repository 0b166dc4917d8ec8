#include "daemon/os/thermal_throttle.h"

#include <fmt/format.h>

#include <string>

#include "daemon/os/number_file.h"

namespace hftmon {
namespace {

constexpr int64_t kMsNs = 1'000'000;

}  // namespace

absl::StatusOr<ThermalThrottle> ReadThermalThrottle(const FileRoot& root, int cpu) {
  const std::string folder = fmt::format("/sys/devices/system/cpu/cpu{}/thermal_throttle", cpu);
  if (const auto names = root.List(folder); !names.ok()) return names.status();
  return ThermalThrottle{.core_count = ReadNumber<uint64_t>(root, folder + "/core_throttle_count"),
                         .core_ns = ReadNs(root, folder + "/core_throttle_total_time_ms", kMsNs),
                         .package_count = ReadNumber<uint64_t>(root, folder + "/package_throttle_count"),
                         .package_ns = ReadNs(root, folder + "/package_throttle_total_time_ms", kMsNs)};
}

}  // namespace hftmon
