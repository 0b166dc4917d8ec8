#include "daemon/control/process_facts.h"

#include "absl/strings/str_cat.h"
#include "daemon/os/proc_cgroup.h"

namespace hftmon {

std::vector<std::string> ProcProcessFacts::CgroupsOf(uint32_t pid) const {
  absl::StatusOr<std::string> text = files_->ReadFile(absl::StrCat("/proc/", pid, "/cgroup"));
  return text.ok() ? ParseProcCgroup(*text) : std::vector<std::string>{};
}

std::string ProcProcessFacts::CommandOf(uint32_t pid) const {
  absl::StatusOr<std::string> text = files_->ReadFile(absl::StrCat("/proc/", pid, "/cmdline"));
  if (!text.ok()) return "";
  const std::string first = text->substr(0, text->find('\0'));
  return first.substr(first.rfind('/') + 1);  // npos + 1 is 0
}

PidLevels ProcProcessFacts::LevelsOf(uint32_t pid) const {
  // Where the daemon is in a namespace itself, its /proc has other processes under the kernel's numbers.
  return namespaces_ != nullptr && namespaces_->in_initial() ? namespaces_->LevelsOf(pid) : PidLevels{};
}

}  // namespace hftmon
