// BootArguments: the kernel's command line, read as the kernel reads it. Passive data; the parsers are pure functions, any thread.
// Reads: /proc/cmdline. What an argument did to CPUs is better asked of /sys/devices/system/cpu/{isolated,nohz_full}: the kernel refuses
// lists that contradict each other, and only its log says so.
#ifndef HFTMON_DAEMON_OS_BOOT_ARGUMENTS_H_
#define HFTMON_DAEMON_OS_BOOT_ARGUMENTS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"

namespace hftmon {

struct BootArgument {
  std::string name;
  std::optional<std::string> value;  // absent: "quiet"; empty: "isolcpus="
};

struct BootArguments {
  std::vector<BootArgument> arguments;  // the kernel's own in their order; those behind "--" are init's and not among them

  // The last of that name, which wins where the kernel says nothing else. As for the kernel, '-' and '_' are the same in a name. Null:
  // none.
  const BootArgument* Last(std::string_view name) const;
};

// Words apart by blanks outside of double quotes. Any text is one; quotes that do not end reach to the end.
BootArguments ParseBootArguments(std::string_view text);
absl::StatusOr<BootArguments> ReadBootArguments(const FileRoot& root);

// A list of CPUs of a boot argument: as ParseCpuList, and "all", "N" for the last CPU, "0-31:2/8" for the first 2 of every 8; sorted.
// `cpu_count`: one more than the largest possible CPU. INVALID_ARGUMENT, as for the kernel: an item is none, or beyond the last CPU.
absl::StatusOr<std::vector<int>> ParseBootCpuList(std::string_view text, int cpu_count);

// isolcpus=[flag,...]list
struct IsolatedCpusArgument {
  bool domain = false;  // no balancing of threads; the meaning where no flag is given
  bool managed_irq = false;
  bool nohz = false;
  std::vector<std::string> unknown_flags;  // which the kernel skips
  std::vector<int> cpus;
};
absl::StatusOr<IsolatedCpusArgument> ParseIsolatedCpus(std::string_view value, int cpu_count);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_BOOT_ARGUMENTS_H_
