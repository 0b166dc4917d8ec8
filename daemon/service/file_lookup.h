// FileLookup: what file descriptors of threads name, for one answer: each is looked at once, as it is then.
//
// One thread. Reads the links in /proc/PID/task/TID/fd of running targets only; a thread that ended, whoever has its number now, or that
// may not be looked into has no files. A descriptor that was closed since the thread passed it, and whose number another file has now,
// names that one: nothing tells the two apart.
#ifndef HFTMON_DAEMON_SERVICE_FILE_LOOKUP_H_
#define HFTMON_DAEMON_SERVICE_FILE_LOOKUP_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "daemon/ingest/interval.h"
#include "daemon/service/target_selection.h"

namespace hftmon {

class FileLookup {
 public:
  // `read` tells what a thread's descriptor names; it and `selection` outlive the lookup.
  using Reader = std::function<absl::StatusOr<std::string>(uint32_t pid, uint32_t tid, int32_t descriptor)>;
  FileLookup(const Reader* read, const TargetSelection* selection) : read_(read), selection_(selection) {}

  // A path, "socket:[4711]", "anon_inode:[eventpoll]" and so on; empty: not known. Valid as long as the lookup.
  const std::string& Find(const ThreadKey& thread, int32_t descriptor);

 private:
  const Reader* const read_;
  const TargetSelection* const selection_;
  std::map<std::pair<uint32_t, int32_t>, std::string> files_;  // by thread and descriptor, of those that run
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_FILE_LOOKUP_H_
