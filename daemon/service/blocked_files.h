// BlockedFiles: which files the single waits of a window were for, by process, call and descriptor: a part of QueryLocks' answer. One
// call's own. Source: spikes of the kind blocked whose call has a file descriptor.
#ifndef HFTMON_DAEMON_SERVICE_BLOCKED_FILES_H_
#define HFTMON_DAEMON_SERVICE_BLOCKED_FILES_H_

#include <cstdint>
#include <map>
#include <set>
#include <tuple>

#include "daemon/analysis/spike.h"
#include "daemon/control/thread_names.h"
#include "daemon/service/file_lookup.h"
#include "hftmon/v1/locks.pb.h"

namespace hftmon {

class BlockedFiles {
 public:
  // A spike of the kind blocked; `blocked_ns` of it the thread was blocked. One in another call, or whose arguments are not known, is left
  // out.
  void Add(const Spike& spike, int64_t blocked_ns);

  // Largest sum first.
  void ToProto(FileLookup* files, ThreadNames* names, v1::QueryLocksResponse* response) const;

 private:
  struct Sum {
    uint64_t count = 0;
    int64_t blocked_ns = 0;
    int64_t longest_ns = -1;
    uint64_t longest_spike_id = 0;
    ThreadKey longest_thread;
    std::set<uint32_t> tids;
  };

  std::map<std::tuple<uint32_t, int32_t, int32_t>, Sum> sums_;  // by process, system call and descriptor
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_BLOCKED_FILES_H_
