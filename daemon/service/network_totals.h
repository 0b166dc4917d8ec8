// NetworkTotals: the seam through which the service reads what the programs keep of packets.
//
// Implemented by whoever owns the memory, faked in tests. Any thread; reads mapped memory, never blocks the housekeeping thread. Each
// figure stands for itself: one may be a moment newer than another.
#ifndef HFTMON_DAEMON_SERVICE_NETWORK_TOTALS_H_
#define HFTMON_DAEMON_SERVICE_NETWORK_TOTALS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/ingest/interval.h"
#include "daemon/os/interface_counters.h"
#include "daemon/os/softnet_stat.h"

namespace hftmon {

// Of one interface on one CPU.
struct InterfacePollTotal {
  uint64_t device = 0;  // tells interfaces apart; 0: others and the backlog, told apart by their names
  std::string name;
  uint32_t ifindex = 0;
  bool other_namespace = false;
  uint64_t poll_count = 0;
  uint64_t work_count = 0;
  uint64_t full_count = 0;
  uint64_t untimed_count = 0;
  int64_t self_ns = 0;

  void Add(const InterfacePollTotal& other) {
    poll_count += other.poll_count;
    work_count += other.work_count;
    full_count += other.full_count;
    untimed_count += other.untimed_count;
    self_ns += other.self_ns;
  }
};

// One reason and interface, over all CPUs.
struct DropTotal {
  std::string reason;
  uint32_t ifindex = 0;
  std::string interface;  // empty: not known
  bool other_namespace = false;
  uint64_t count = 0;
};

struct RetransmitTotal {
  uint16_t local_port = 0;
  std::string remote_address;
  uint16_t remote_port = 0;
  uint64_t count = 0;
  uint32_t tid = 0;  // 0: not known
  uint32_t tgid = 0;
};

struct NetworkTotal {
  bool collecting = false;
  std::string reason;  // why not
  std::vector<std::string> missing;
  std::vector<std::vector<InterfacePollTotal>> polls;  // by CPU: those that it polled
  std::vector<DropTotal> drops;
  std::vector<RetransmitTotal> retransmits;
  uint64_t retransmit_count = 0;
  uint64_t unlisted_drop_count = 0;
  uint64_t unlisted_read_count = 0;
};

struct PathTotal {
  int64_t sum_ns = 0;
  int64_t longest_ns = 0;
};

struct SocketTotal {
  int32_t fd = -1;
  uint16_t protocol = 0;
  std::string local_address;
  uint16_t local_port = 0;
  std::string remote_address;  // empty: not connected
  uint16_t remote_port = 0;
  uint64_t copied_count = 0;
  uint64_t unmatched_count = 0;
  uint64_t unqueued_count = 0;
  uint64_t retransmit_count = 0;
  PathTotal arrival_to_queue;
  PathTotal queue_to_copy;
  PathTotal arrival_to_copy;
};

struct ThreadNetworkTotal {
  ThreadKey thread;
  std::string unavailable;  // why there are no figures, and the mend; empty when there are
  std::vector<SocketTotal> sockets;
};

// What the host's files say.
struct HostNetwork {
  absl::StatusOr<std::vector<SoftnetCpu>> softnet = absl::UnavailableError("not read");
  absl::StatusOr<InterfaceReport> counters = absl::UnavailableError("not read");
};

class NetworkTotals {
 public:
  virtual ~NetworkTotals() = default;
  virtual NetworkTotal Read() const = 0;
  // Every thread of the process that has a slot now.
  virtual std::vector<ThreadNetworkTotal> ThreadsOf(uint32_t tgid) const = 0;
  // Reads files: milliseconds. Of all interfaces, or only of the one of that name: none when there is none.
  virtual HostNetwork ReadHost(const std::string& interface) const = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_NETWORK_TOTALS_H_
