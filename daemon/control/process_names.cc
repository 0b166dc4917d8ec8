#include "daemon/control/process_names.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "daemon/os/proc_comm.h"

namespace hftmon {

std::string ProcessNames::NameOf(uint32_t tid) {
  if (tid == 0) return "swapper";
  const absl::StatusOr<std::string> file = files_->ReadFile(absl::StrCat("/proc/", tid, "/comm"));
  if (file.ok()) {
    std::string name = ParseProcComm(*file);
    if (!name.empty()) {
      Remember(tid, name);
      return name;
    }
  }
  std::lock_guard lock(mutex_);
  const auto found = by_tid_.find(tid);
  if (found == by_tid_.end()) return "";
  names_.splice(names_.begin(), names_, found->second);
  return found->second->second;
}

void ProcessNames::Remember(uint32_t tid, std::string_view comm) {
  if (tid == 0 || comm.empty()) return;
  std::lock_guard lock(mutex_);
  const auto found = by_tid_.find(tid);
  if (found != by_tid_.end()) {
    found->second->second = comm;
    names_.splice(names_.begin(), names_, found->second);
    return;
  }
  names_.emplace_front(tid, std::string(comm));
  by_tid_[tid] = names_.begin();
  if (names_.size() <= kNamesMax) return;
  by_tid_.erase(names_.back().first);
  names_.pop_back();
}

size_t ProcessNames::size() const {
  std::lock_guard lock(mutex_);
  return names_.size();
}

}  // namespace hftmon
