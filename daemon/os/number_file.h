// Files of /sys and /proc that hold one number. Any thread; system calls.
#ifndef HFTMON_DAEMON_OS_NUMBER_FILE_H_
#define HFTMON_DAEMON_OS_NUMBER_FILE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "daemon/os/file_root.h"
#include "daemon/os/proc_numbers.h"

namespace hftmon {

// Absent where there is no such file, or something else in it.
template <typename Number>
std::optional<Number> ReadNumber(const FileRoot& root, const std::string& path) {
  const auto text = root.ReadFile(path);
  return text.ok() ? ParseNumber<Number>(Trim(*text)) : std::nullopt;
}

// Of a time in units of `unit_ns`; absent too where it is negative or too long.
inline std::optional<int64_t> ReadNs(const FileRoot& root, const std::string& path, int64_t unit_ns) {
  const auto units = ReadNumber<int64_t>(root, path);
  return units && *units >= 0 && *units <= INT64_MAX / unit_ns ? std::optional<int64_t>(*units * unit_ns) : std::nullopt;
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_NUMBER_FILE_H_
