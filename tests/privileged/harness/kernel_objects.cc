#include "tests/privileged/harness/kernel_objects.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <system_error>

namespace hftmon::testing {
namespace {

template <typename NextId>
int CountIds(NextId next_id) {
  uint32_t id = 0;
  int count = 0;
  while (next_id(id, &id) == 0) ++count;
  return count;
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

BpfObjects CountBpfObjects() {
  return {CountIds(bpf_prog_get_next_id), CountIds(bpf_map_get_next_id), CountIds(bpf_link_get_next_id)};
}

std::ostream& operator<<(std::ostream& out, const BpfObjects& objects) {
  return out << objects.programs << " programs, " << objects.maps << " maps, " << objects.links << " links";
}

ProcessBelongings ReadBelongings(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  ProcessBelongings belongings;
  belongings.fds = CountEntries(folder + "/fd");
  belongings.threads = CountEntries(folder + "/task");
  std::ifstream maps(folder + "/maps");
  for (std::string line; std::getline(maps, line);) ++belongings.mappings;
  int64_t size_pages = 0;
  int64_t resident_pages = 0;
  std::ifstream(folder + "/statm") >> size_pages >> resident_pages;
  belongings.rss_bytes = resident_pages * sysconf(_SC_PAGESIZE);
  return belongings;
}

}  // namespace hftmon::testing
