// NamespaceNumberBook: the numbers of threads in their own pid namespaces, from /proc while they live and from memory afterwards.
//
// Reads: /proc/TID/status (NStgid, NSpid). Threads: any but the housekeeping thread; one mutex, not held while a file is read.
// Cost: a process that is in the daemon's own namespace is found out once in kOwnTime and costs nothing until then: a number that a process
// of another namespace takes over meanwhile is shown without its inner number, which is "not known", never a wrong one. A thread of another
// namespace costs one file each time. Bounds: kThreadsMax threads remembered, the one longest not asked for is forgotten; kOwnMax processes
// known as the daemon's own, which are all found out anew beyond.
#ifndef HFTMON_DAEMON_CONTROL_NAMESPACE_NUMBER_BOOK_H_
#define HFTMON_DAEMON_CONTROL_NAMESPACE_NUMBER_BOOK_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <unordered_map>

#include "daemon/control/thread_names.h"
#include "daemon/os/file_root.h"

namespace hftmon {

class NamespaceNumberBook {
 public:
  static constexpr size_t kThreadsMax = 4096;
  static constexpr size_t kOwnMax = 4096;
  static constexpr std::chrono::seconds kOwnTime{10};

  // `files` outlives the object. `known`: the daemon's numbers are those of its /proc; else nothing is ever known.
  NamespaceNumberBook(const FileRoot* files, bool known) : files_(files), known_(known) {}

  ThreadNumbers Find(uint32_t tgid, uint32_t tid);
  // Keeps the numbers of a thread that may end before anybody asks: reads nothing where they are known already, or its process is the
  // daemon's own namespace's.
  void Keep(uint32_t tgid, uint32_t tid);

  // The number is a new thread's: what was remembered is another's, which it would answer for until it is read.
  void Forget(uint32_t tid);

  size_t size() const;

 private:
  using Threads = std::list<std::pair<uint32_t, ThreadNumbers>>;  // most recently used first

  bool IsOwn(uint32_t id) const;  // mutex held
  ThreadNumbers Read(uint32_t tgid, uint32_t tid);
  void Remember(uint32_t tid, const ThreadNumbers& numbers);  // mutex held
  void Drop(uint32_t tid);                                    // mutex held

  const FileRoot* const files_;
  const bool known_;
  mutable std::mutex mutex_;
  Threads threads_;
  std::unordered_map<uint32_t, Threads::iterator> by_tid_;
  std::unordered_map<uint32_t, std::chrono::steady_clock::time_point> own_until_;  // by tgid, or by tid where that is not known
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_NAMESPACE_NUMBER_BOOK_H_
