// MarkerRingName: hftmon.PID.N, the name of a marker file. Pure functions, any thread.
#ifndef HFTMON_DAEMON_MARKERS_MARKER_RING_NAME_H_
#define HFTMON_DAEMON_MARKERS_MARKER_RING_NAME_H_

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace hftmon {

struct MarkerRingName {
  uint32_t pid = 0;     // in the pid namespace of the program
  uint32_t number = 0;  // of the pid's files
  bool operator==(const MarkerRingName&) const = default;
  bool operator<(const MarkerRingName& other) const { return std::pair(pid, number) < std::pair(other.pid, other.number); }

  std::string FileName() const { return fmt::format("hftmon.{}.{}", pid, number); }

  // nullopt for every other name: leading zeros, a pid of 0 or above 2^22, a number above 255.
  static std::optional<MarkerRingName> Parse(std::string_view file_name) {
    constexpr std::string_view kPrefix = "hftmon.";
    constexpr uint32_t kPidMax = 1u << 22;  // the kernel's PID_MAX_LIMIT
    constexpr uint32_t kNumberMax = 255;
    if (!file_name.starts_with(kPrefix)) return std::nullopt;
    MarkerRingName name;
    const char* const begin = file_name.data() + kPrefix.size();
    const char* const end = file_name.data() + file_name.size();
    const std::from_chars_result pid = std::from_chars(begin, end, name.pid);
    if (pid.ec != std::errc() || pid.ptr == end || *pid.ptr != '.') return std::nullopt;
    const std::from_chars_result number = std::from_chars(pid.ptr + 1, end, name.number);
    if (number.ec != std::errc() || number.ptr != end || name.pid == 0 || name.pid > kPidMax || name.number > kNumberMax)
      return std::nullopt;
    if (name.FileName() != file_name) return std::nullopt;
    return name;
  }
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_MARKERS_MARKER_RING_NAME_H_
