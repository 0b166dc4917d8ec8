#include "daemon/control/namespace_number_book.h"

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "daemon/os/proc_status.h"

namespace hftmon {

bool NamespaceNumberBook::IsOwn(uint32_t id) const {
  const auto found = own_until_.find(id);
  return found != own_until_.end() && std::chrono::steady_clock::now() < found->second;
}

ThreadNumbers NamespaceNumberBook::Find(uint32_t tgid, uint32_t tid) {
  if (!known_ || tid == 0) return {};
  {
    std::lock_guard lock(mutex_);
    if (IsOwn(tgid != 0 ? tgid : tid)) return {};
  }
  return Read(tgid, tid);
}

void NamespaceNumberBook::Keep(uint32_t tgid, uint32_t tid) {
  if (!known_ || tid == 0) return;
  {
    std::lock_guard lock(mutex_);
    if (by_tid_.contains(tid) || IsOwn(tgid)) return;
  }
  Read(tgid, tid);
}

void NamespaceNumberBook::Forget(uint32_t tid) {
  std::lock_guard lock(mutex_);
  Drop(tid);
}

void NamespaceNumberBook::Drop(uint32_t tid) {
  const auto found = by_tid_.find(tid);
  if (found == by_tid_.end()) return;
  threads_.erase(found->second);
  by_tid_.erase(found);
}

ThreadNumbers NamespaceNumberBook::Read(uint32_t tgid, uint32_t tid) {
  // /proc/TID is there for any thread, though a list of /proc has the main threads alone.
  const absl::StatusOr<std::string> text = files_->ReadFile(absl::StrCat("/proc/", tid, "/status"));
  std::lock_guard lock(mutex_);
  if (!text.ok()) {
    const auto found = by_tid_.find(tid);
    if (found == by_tid_.end()) return {};
    threads_.splice(threads_.begin(), threads_, found->second);
    return found->second->second;
  }
  const NamespaceNumbers inner = ParseNamespaceNumbers(*text);
  if (inner.tids.empty() || inner.pids.empty()) {
    if (own_until_.size() >= kOwnMax) own_until_.clear();
    own_until_[tgid != 0 ? tgid : tid] = std::chrono::steady_clock::now() + kOwnTime;
    // The number is another thread's now.
    Drop(tid);
    return {};
  }
  const ThreadNumbers numbers{.pid = inner.pids.back(), .tid = inner.tids.back()};
  Remember(tid, numbers);
  return numbers;
}

void NamespaceNumberBook::Remember(uint32_t tid, const ThreadNumbers& numbers) {
  const auto found = by_tid_.find(tid);
  if (found != by_tid_.end()) {
    found->second->second = numbers;
    threads_.splice(threads_.begin(), threads_, found->second);
    return;
  }
  threads_.emplace_front(tid, numbers);
  by_tid_[tid] = threads_.begin();
  if (threads_.size() <= kThreadsMax) return;
  by_tid_.erase(threads_.back().first);
  threads_.pop_back();
}

size_t NamespaceNumberBook::size() const {
  std::lock_guard lock(mutex_);
  return threads_.size();
}

}  // namespace hftmon
