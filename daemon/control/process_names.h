// ProcessNames: the names of threads, from /proc/TID/comm while they live and from memory afterwards; and their numbers in their own pid
// namespaces (NamespaceNumberBook).
//
// Reads: /proc/TID/comm. Threads: any but the housekeeping thread; one mutex, not held while a file is read.
// Bounds: kNamesMax names; the one that was longest not asked for or remembered is forgotten. A recycled tid answers with its new owner's
// name.
#ifndef HFTMON_DAEMON_CONTROL_PROCESS_NAMES_H_
#define HFTMON_DAEMON_CONTROL_PROCESS_NAMES_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "daemon/control/namespace_number_book.h"
#include "daemon/control/thread_names.h"
#include "daemon/os/file_root.h"

namespace hftmon {

class ProcessNames : public ThreadNames {
 public:
  static constexpr size_t kNamesMax = 4096;

  // `files` outlives the object. `numbers_known`: see NamespaceNumberBook.
  explicit ProcessNames(const FileRoot* files, bool numbers_known = true) : files_(files), numbers_(files, numbers_known) {}

  std::string NameOf(uint32_t tid) override;
  ThreadNumbers NumbersOf(uint32_t tgid, uint32_t tid) override { return numbers_.Find(tgid, tid); }
  // See NamespaceNumberBook::Keep.
  void KeepNumbers(uint32_t tgid, uint32_t tid) { numbers_.Keep(tgid, tid); }
  // The same of a thread that began just now: whoever had its number before is forgotten.
  void KeepNewNumbers(uint32_t tgid, uint32_t tid) {
    numbers_.Forget(tid);
    numbers_.Keep(tgid, tid);
  }
  // A name that a kernel record carried; empty names and tid 0 are ignored.
  void Remember(uint32_t tid, std::string_view comm);

  size_t size() const;
  size_t numbers_size() const { return numbers_.size(); }

 private:
  using Names = std::list<std::pair<uint32_t, std::string>>;  // most recently used first

  const FileRoot* const files_;
  mutable std::mutex mutex_;
  Names names_;
  std::unordered_map<uint32_t, Names::iterator> by_tid_;
  NamespaceNumberBook numbers_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_PROCESS_NAMES_H_
