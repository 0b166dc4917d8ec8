#include "daemon/os/pid_namespaces.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "daemon/os/proc_numbers.h"
#include "daemon/os/proc_status.h"
#include "daemon/os/thread_ids.h"

namespace hftmon {
namespace {

constexpr size_t kNestingMax = 32;  // MAX_PID_NS_LEVEL of the kernel
constexpr size_t kStatusBytesMax = 64u << 10;

std::vector<uint64_t> ReadSurrounding(uint32_t pid) {
  std::vector<uint64_t> around;
  int inner = ::open(fmt::format("/proc/{}/ns/pid", pid).c_str(), O_RDONLY | O_CLOEXEC);
  while (inner >= 0 && around.size() < kNestingMax) {
    // EPERM beyond the daemon's own: there it ends.
    const int outer = ::ioctl(inner, NS_GET_PARENT);
    ::close(inner);
    inner = outer;
    struct stat status;
    if (outer >= 0 && ::fstat(outer, &status) == 0) around.push_back(status.st_ino);
  }
  if (inner >= 0) ::close(inner);
  return around;
}

}  // namespace

absl::StatusOr<uint64_t> ParsePidNamespaceLink(std::string_view link) {
  constexpr std::string_view kPrefix = "pid:[";
  if (link.starts_with(kPrefix) && link.ends_with(']')) {
    link.remove_prefix(kPrefix.size());
    link.remove_suffix(1);
    if (const std::optional<uint64_t> inode = ParseNumber<uint64_t>(link); inode && *inode > 0) return *inode;
  }
  return absl::InvalidArgumentError(fmt::format("'{}' is no link to a pid namespace", link));
}

PidNamespaces::Surrounding PidNamespaces::SystemSurrounding() {
  return ReadSurrounding;
}

PidNamespaces::PidNamespaces(const FileRoot* files, Surrounding surrounding)
    : files_(files), surrounding_(std::move(surrounding)), own_(ReadNamespace("/proc/self/ns/pid")) {}

absl::StatusOr<uint64_t> PidNamespaces::ReadNamespace(const std::string& link) const {
  const absl::StatusOr<std::string> text = files_->ReadLink(link);
  if (!text.ok()) return text.status();
  return ParsePidNamespaceLink(*text);
}

absl::StatusOr<uint64_t> PidNamespaces::InnermostOf(uint32_t pid) const {
  return ReadNamespace(fmt::format("/proc/{}/ns/pid", pid));
}

absl::StatusOr<uint64_t> PidNamespaces::NamespaceOf(uint32_t pid) const {
  const absl::StatusOr<std::string> text = files_->ReadFile(fmt::format("/proc/{}/status", pid), kStatusBytesMax);
  if (!text.ok()) return text.status();
  // Anybody may read this; the link, only who may trace the process.
  return ParseNamespaceNumbers(*text).tids.empty() ? own_ : InnermostOf(pid);
}

// Its numbers below the daemon's own namespace, outermost first.
std::vector<int32_t> PidNamespaces::NumbersOf(const std::string& status_path) const {
  const absl::StatusOr<std::string> text = files_->ReadFile(status_path, kStatusBytesMax);
  if (!text.ok()) return {};
  return ParseNamespaceNumbers(*text).tids;
}

PidLevels PidNamespaces::WithInodes(uint32_t pid, const std::vector<int32_t>& numbers) const {
  PidLevels levels;
  for (const int32_t number : numbers) levels.push_back({.number = number});
  if (levels.empty()) return levels;
  levels.back().inode = InnermostOf(pid).value_or(0);
  if (levels.size() == 1 || levels.back().inode == 0) return levels;
  const std::vector<uint64_t> around = surrounding_(pid);
  for (size_t outwards = 0; outwards + 1 < levels.size() && outwards < around.size(); ++outwards) {
    levels[levels.size() - 2 - outwards].inode = around[outwards];
  }
  return levels;
}

PidLevels PidNamespaces::LevelsOf(uint32_t pid) const {
  return WithInodes(pid, NumbersOf(fmt::format("/proc/{}/status", pid)));
}

void PidNamespaces::LookAt(uint32_t pid, uint64_t inode, const std::set<int32_t>& numbers, Search* search) const {
  const std::vector<int32_t> inner = NumbersOf(fmt::format("/proc/{}/status", pid));
  if (inner.empty()) return;
  const absl::StatusOr<uint64_t> innermost = InnermostOf(pid);
  if (!innermost.ok()) {
    if (!absl::IsNotFound(innermost.status())) ++search->unread_count;
    return;
  }
  search->namespace_seen |= *innermost == inode;
  if (*innermost == inode && numbers.contains(inner.back())) search->pids[inner.back()] = pid;
  if (*innermost == inode || inner.size() == 1) return;
  // Which namespaces lie around its own is asked only where one of its numbers is wanted.
  if (std::none_of(inner.begin(), inner.end() - 1, [&](int32_t number) { return numbers.contains(number); })) return;
  for (const PidLevel& level : WithInodes(pid, inner)) {
    if (level.inode == inode && numbers.contains(level.number)) search->pids[level.number] = pid;
  }
}

absl::StatusOr<PidNamespaces::Search> PidNamespaces::FindProcesses(uint64_t inode, const std::set<int32_t>& numbers) const {
  std::lock_guard lock(search_mutex_);
  const absl::StatusOr<std::vector<std::string>> entries = files_->List("/proc");
  if (!entries.ok()) return entries.status();
  Search search;
  size_t looked_at = 0;
  for (const std::string& entry : *entries) {
    const std::optional<uint32_t> pid = ParseNumber<uint32_t>(entry);
    if (!pid) continue;
    if (++looked_at > kProcessesMax) {
      return absl::ResourceExhaustedError(
          fmt::format("more than {} processes: they are not searched for numbers of pid namespaces: give "
                      "the numbers of the initial pid namespace",
                      kProcessesMax));
    }
    LookAt(*pid, inode, numbers, &search);
    if (search.namespace_seen && search.pids.size() == numbers.size()) break;
  }
  return search;
}

std::map<int32_t, uint32_t> PidNamespaces::FindThreads(uint32_t pid, size_t level, const std::set<int32_t>& numbers) const {
  std::lock_guard lock(search_mutex_);
  std::map<int32_t, uint32_t> tids;
  const absl::StatusOr<std::vector<pid_t>> all = ReadThreadIds(*files_, static_cast<pid_t>(pid));
  if (!all.ok()) return tids;
  const size_t count = std::min(all->size(), kThreadsMax);
  for (size_t i = 0; i < count && tids.size() < numbers.size(); ++i) {
    const pid_t tid = (*all)[i];
    const std::vector<int32_t> inner = NumbersOf(fmt::format("/proc/{}/task/{}/status", pid, tid));
    if (level < inner.size() && numbers.contains(inner[level])) tids[inner[level]] = static_cast<uint32_t>(tid);
  }
  return tids;
}

}  // namespace hftmon
