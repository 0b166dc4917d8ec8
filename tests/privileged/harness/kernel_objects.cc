#include "tests/privileged/harness/kernel_objects.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
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

std::set<std::string> BpfObjectsOf(pid_t pid) {
  return HeldBy("/proc/" + std::to_string(pid));
}

BpfIds TakeBpfIds() {
  BpfIds ids;
  const bpf_insn answer_zero[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .src_reg = 0, .off = 0, .imm = 0},
                                  {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  const int program = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "hftmon_probe", "GPL", answer_zero, std::size(answer_zero), nullptr);
  bpf_prog_info program_info = {};
  uint32_t bytes = sizeof(program_info);
  if (program >= 0 && bpf_obj_get_info_by_fd(program, &program_info, &bytes) == 0) ids.program = program_info.id;
  const int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "hftmon_probe", sizeof(uint32_t), sizeof(uint64_t), 1, nullptr);
  bpf_map_info map_info = {};
  bytes = sizeof(map_info);
  if (map >= 0 && bpf_obj_get_info_by_fd(map, &map_info, &bytes) == 0) ids.map = map_info.id;
  if (program >= 0) close(program);
  if (map >= 0) close(map);
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
