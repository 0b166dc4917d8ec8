#include "daemon/unwind/process_modules.h"

#include <fmt/format.h>
#include <gelf.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "daemon/unwind/mapped_file.h"

namespace hftmon {
namespace {

// Separate debug files are not looked for: the symbol tables and the unwind tables of the files themselves are enough, and no path of the
// host's is opened because a watched program named it.
int FindNoDebugFile(Dwfl_Module*, void**, const char*, Dwarf_Addr, const char*, const char*, GElf_Word, char**) {
  return -1;
}

int FindNoElf(Dwfl_Module*, void**, const char*, Dwarf_Addr, char**, Elf**) {
  return -1;
}

constexpr Dwfl_Callbacks kCallbacks = {
    .find_elf = FindNoElf, .find_debuginfo = FindNoDebugFile, .section_address = dwfl_offline_section_address, .debuginfo_path = nullptr};

// What is added to the file's own addresses; false when no loadable segment of it is what is mapped.
bool FindBias(int fd, const Mapping& mapping, uint64_t* bias) {
  Elf* elf = elf_begin(fd, ELF_C_READ, nullptr);
  size_t count = 0;
  bool found = false;
  if (elf != nullptr && elf_getphdrnum(elf, &count) == 0) {
    for (size_t i = 0; i < std::min<size_t>(count, 256) && !found; ++i) {
      GElf_Phdr segment;
      if (gelf_getphdr(elf, static_cast<int>(i), &segment) == nullptr || segment.p_type != PT_LOAD) continue;
      const uint64_t page = segment.p_offset & ~uint64_t{4095};
      found = mapping.offset >= page && mapping.offset < segment.p_offset + segment.p_filesz;
      if (found) *bias = mapping.begin - mapping.offset + segment.p_offset - segment.p_vaddr;
    }
  }
  elf_end(elf);
  return found;
}

// The kernel maps the same vdso into every 64-bit process: ours, as a file.
int OpenVdso(const Mapping& mapping) {
  const auto* image = reinterpret_cast<const char*>(getauxval(AT_SYSINFO_EHDR));
  if (image == nullptr) return -1;
  const int fd = memfd_create("vdso", MFD_CLOEXEC);
  const size_t bytes = mapping.end - mapping.begin;
  if (fd >= 0 && bytes <= 64 * 1024 && write(fd, image, bytes) == static_cast<ssize_t>(bytes)) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

}  // namespace

ProcessModules::~ProcessModules() {
  dwfl_end(dwfl_);
}

std::unique_ptr<ProcessModules> ProcessModules::Build(const std::string& process, const std::vector<Mapping>& mappings,
                                                      std::string* reason) {
  elf_version(EV_CURRENT);
  Dwfl* dwfl = dwfl_begin(&kCallbacks);
  if (dwfl == nullptr) {
    *reason = fmt::format("libdw: {}", dwfl_errmsg(-1));
    return nullptr;
  }
  std::unique_ptr<ProcessModules> modules(new ProcessModules(dwfl, mappings));
  modules->ReportAll(process);
  return modules;
}

void ProcessModules::ReportAll(const std::string& process) {
  size_t reported = 0;
  uint64_t reported_until = 0;
  for (const Mapping& mapping : mappings_) {
    if (reported == kModulesMax) problem_ = fmt::format("more than {} files are mapped", kModulesMax);
    if (reported == kModulesMax || mapping.path.empty() || mapping.begin < reported_until) continue;
    const bool vdso = mapping.path == "[vdso]";
    if (!vdso && mapping.path[0] != '/') continue;
    std::string reason = "the vdso cannot be copied";
    const int fd = vdso ? OpenVdso(mapping) : OpenMappedFile(process, mapping, &reason);
    if (fd < 0) {
      problem_ = reason;
    } else if (Report(mapping, fd)) {
      ++reported;
      if (Dwfl_Module* module = dwfl_addrmodule(dwfl_, mapping.begin))
        dwfl_module_info(module, nullptr, nullptr, &reported_until, nullptr, nullptr, nullptr, nullptr);
    } else {
      close(fd);
      problem_ = fmt::format("{} cannot be read: {}", mapping.path, dwfl_errmsg(-1));
    }
  }
  dwfl_report_end(dwfl_, nullptr, nullptr);
}

bool ProcessModules::Report(const Mapping& mapping, int fd) {
  uint64_t bias = 0;
  if (!FindBias(fd, mapping, &bias)) return false;
  return dwfl_report_elf(dwfl_, mapping.path.c_str(), mapping.path.c_str(), fd, bias, true) != nullptr;
}

bool ProcessModules::Attach(const Dwfl_Thread_Callbacks& callbacks, pid_t pid, void* context) {
  context_ = context;
  if (!attached_) attached_ = dwfl_attach_state(dwfl_, nullptr, pid, &callbacks, this);
  return attached_;
}

const Mapping* ProcessModules::MappingAt(uint64_t address) const {
  for (const Mapping& mapping : mappings_) {
    if (address >= mapping.begin && address < mapping.end) return &mapping;
  }
  return nullptr;
}

}  // namespace hftmon
