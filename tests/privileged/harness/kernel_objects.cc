#include "tests/privileged/harness/kernel_objects.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <system_error>

namespace hftmon::testing {
namespace {

template <typename NextId>
void AddIds(NextId next_id, const std::string& kind, std::set<std::string>& ids) {
  uint32_t id = 0;
  while (next_id(id, &id) == 0) ids.insert(kind + " " + std::to_string(id));
}

// The BPF objects behind the fds of one process.
std::set<std::string> HeldBy(const std::filesystem::path& process) {
  std::set<std::string> ids;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(process / "fdinfo", error)) {
    std::ifstream info(entry.path());
    for (std::string key, value; info >> key;) {
      // "prog_id:\t17", "map_id:\t3", "link_id:\t9"
      if (!key.ends_with("_id:") || !(info >> value)) continue;
      ids.insert(key.substr(0, key.size() - 4) + " " + value);
    }
  }
  return ids;
}

int CountEntries(const std::string& folder) {
  std::error_code error;
  int count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder, error)) ++count;
  return count;
}

}  // namespace

std::string WhyNotPrivileged() {
  if (geteuid() != 0) return "needs root: BPF programs are loaded and other processes watched. Run it with sudo";
  if (access("/sys/kernel/btf/vmlinux", R_OK) != 0) {
    return "needs the kernel's type information, /sys/kernel/btf/vmlinux: boot a kernel built with CONFIG_DEBUG_INFO_BTF";
  }
  uint32_t id = 0;
  if (bpf_prog_get_next_id(0, &id) != 0 && errno != ENOENT)
    return "the bpf system call is refused: run outside a container that filters it";
  return "";
}

std::set<std::string> OrphanedBpfObjects() {
  std::set<std::string> ids;
  AddIds(bpf_prog_get_next_id, "prog", ids);
  AddIds(bpf_map_get_next_id, "map", ids);
  AddIds(bpf_link_get_next_id, "link", ids);
  std::error_code error;
  for (const auto& process : std::filesystem::directory_iterator("/proc", error)) {
    for (const std::string& held : HeldBy(process.path())) ids.erase(held);
  }
  return ids;
}

ProcessBelongings ReadBelongings(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  ProcessBelongings belongings;
  belongings.fds = CountEntries(folder + "/fd");
  belongings.threads = CountEntries(folder + "/task");
  belongings.bpf_objects = static_cast<int>(HeldBy(folder).size());
  std::ifstream maps(folder + "/maps");
  for (std::string line; std::getline(maps, line);) ++belongings.mappings;
  int64_t size_pages = 0;
  int64_t resident_pages = 0;
  std::ifstream(folder + "/statm") >> size_pages >> resident_pages;
  belongings.rss_bytes = resident_pages * sysconf(_SC_PAGESIZE);
  return belongings;
}

}  // namespace hftmon::testing
