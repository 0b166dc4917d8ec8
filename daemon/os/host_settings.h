// HostSettings: what files of /proc and /sys say that an administrator may change, read by a table of rows: a new setting is a row of its
// reader's table, not code. Passive data; ParseSetting is pure, any thread; ReadHostSettings takes some 20 us a file, of
// which rows of all CPUs have thousands on a large host: for a request, not for the housekeeping loop.
#ifndef HFTMON_DAEMON_OS_HOST_SETTINGS_H_
#define HFTMON_DAEMON_OS_HOST_SETTINGS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"

namespace hftmon {

enum class SettingForm : uint8_t {
  kNumber,         // "60", "-1"
  kText,           // "performance": at most kSettingTextMax bytes
  kBracketedWord,  // "always [madvise] never"
  kCpuList,        // "0-3,8"
  kCpuMask,        // "0000000f"
};

enum class SettingScope : uint8_t { kHost, kCpu, kIrq, kInterface };  // whose it is: what the first '#' or '*' of the path stands for

struct SettingRow {
  std::string_view name;  // "transparent_huge_pages"
  // As on the host. A part of it may hold one '#', which stands for a number, or one '*', which stands for any name:
  // "/sys/devices/system/cpu/cpu#/cpuidle/state#/disable", "/sys/class/net/*/queues/rx-#/rps_cpus".
  std::string_view path;
  SettingForm form = SettingForm::kText;
  SettingScope scope = SettingScope::kHost;
};

using SettingValue = std::variant<int64_t, std::string, std::vector<int>>;  // of a number, of words, of CPUs

struct HostSetting {
  const SettingRow* row = nullptr;
  std::string path;                  // of this one: where it is changed
  std::vector<std::string> matched;  // what '#' and '*' stand for in it
  SettingValue value;
};

struct UnreadSetting {
  const SettingRow* row = nullptr;
  std::string path;
  std::string reason;
  bool absent = false;  // there is no such file, or the kernel has no such setting for that device or CPU (ENOENT)
};

struct HostSettings {
  std::vector<HostSetting> settings;  // in the order of the rows; of a row by number or name
  std::vector<UnreadSetting> unread;  // files that are there and cannot be read, and rows without any file
  size_t left_out_count = 0;          // files beyond `files_max` of a row
};

inline constexpr size_t kSettingTextMax = 4096;
inline constexpr size_t kSettingFilesMax = 65536;

// INVALID_ARGUMENT says what the text is not.
absl::StatusOr<SettingValue> ParseSetting(SettingForm form, std::string_view text);

// The rows must live as long as the answer. `files_max` bounds each row.
HostSettings ReadHostSettings(const FileRoot& root, std::span<const SettingRow> rows, size_t files_max = kSettingFilesMax);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_HOST_SETTINGS_H_
