#include "daemon/os/numa_balancing.h"

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace hftmon {
namespace {

constexpr char kNodesPath[] = "/sys/devices/system/node/online";
constexpr char kSwitchPath[] = "/proc/sys/kernel/numa_balancing";

// The number that ends the line which begins with `name` and a space or colon.
std::optional<uint64_t> NumberAt(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!line.starts_with(name) || line.size() == name.size()) continue;
    if (const char next = line[name.size()]; next != ' ' && next != ':') continue;
    const std::string_view number = line.substr(line.find_last_of(" :") + 1);
    uint64_t value = 0;
    if (std::from_chars(number.data(), number.data() + number.size(), value).ec == std::errc()) return value;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<NumaBalancing> ReadNumaBalancing(const FileRoot& files) {
  const absl::StatusOr<std::string> nodes = files.ReadFile(kNodesPath);
  if (!nodes.ok() || Trim(*nodes) == "0") {
    return absl::FailedPreconditionError("the kernel balances no memory between nodes: this host has one");
  }
  const absl::StatusOr<std::string> in_force = files.ReadFile(kSwitchPath);
  if (!in_force.ok()) return absl::FailedPreconditionError("the kernel balances no memory between nodes: it is built without that");
  if (Trim(*in_force) == "0") {
    return absl::FailedPreconditionError("the kernel balances no memory between nodes: kernel.numa_balancing is 0");
  }
  const absl::StatusOr<std::string> text = files.ReadFile("/proc/vmstat");
  if (!text.ok()) return text.status();
  return NumaBalancing{.unmapped_page_count = NumberAt(*text, "numa_pte_updates").value_or(0),
                       .hint_fault_count = NumberAt(*text, "numa_hint_faults").value_or(0),
                       .local_hint_fault_count = NumberAt(*text, "numa_hint_faults_local").value_or(0),
                       .moved_page_count = NumberAt(*text, "numa_pages_migrated").value_or(0)};
}

absl::StatusOr<NumaOfThread> ReadNumaOfThread(const FileRoot& files, uint32_t pid, uint32_t tid) {
  const std::string path = absl::StrCat("/proc/", pid, "/task/", tid, "/sched");
  const absl::StatusOr<std::string> text = files.ReadFile(path);
  if (!text.ok()) return text.status();
  const std::optional<uint64_t> faults = NumberAt(*text, "total_numa_faults");
  const std::optional<uint64_t> moved = NumberAt(*text, "numa_pages_migrated");
  if (!faults || !moved) return absl::NotFoundError(absl::StrCat(path, " says nothing of NUMA balancing"));
  return NumaOfThread{.fault_count = *faults, .moved_page_count = *moved};
}

}  // namespace hftmon
