// ResctrlGroups: what the kernel's resource control monitors of memory: bytes that groups of threads moved through each L3 cache domain,
// and what they occupy there. Nothing is made there: groups are others'.
//
// Reads: /sys/fs/resctrl/{info,mon_data,tasks}, the same of each group and of each mon_groups below one;
// mon_data/mon_L3_NN/{mbm_total_bytes,mbm_local_bytes,llc_occupancy}. Each of those files makes the kernel ask a CPU of the domain: an
// interrupt or a wake-up there. It chooses that CPU itself: the reader's own, or the domain's lowest (since 6.9 the lowest with a tick). So
// whoever reads lets only those domains be read whose lowest CPU may be disturbed. One thread; system calls. Bounds: kGroupsMax groups,
// kDomainsMax domains, tasks files of 1 MiB.
#ifndef HFTMON_DAEMON_NUMA_RESCTRL_GROUPS_H_
#define HFTMON_DAEMON_NUMA_RESCTRL_GROUPS_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/monotonic_clock.h"
#include "daemon/numa/bandwidth_rows.h"
#include "daemon/os/file_root.h"
#include "daemon/os/last_level_caches.h"
#include "daemon/os/numa_nodes.h"

namespace hftmon {

inline constexpr size_t kResctrlGroupsMax = 256;
inline constexpr size_t kResctrlDomainsMax = 256;

// A file's number, or the kernel's word instead: "Unavailable", "Error", "Unassigned".
struct ResctrlValue {
  std::optional<uint64_t> value;
  std::string word;
};
// Another text than a number is a word; none: empty.
ResctrlValue ParseResctrlValue(std::string_view text);

struct ResctrlDomain {
  int64_t read_ns = 0;
  ResctrlValue total_bytes;  // word "not there": the processor does not monitor it
  ResctrlValue local_bytes;
  ResctrlValue llc_bytes;
};

struct ResctrlGroup {
  std::string name;      // its path beneath the mount; "": the root
  bool control = false;  // it has the sums of its monitoring groups in it; the sums of all of these are the host's
  std::map<int, ResctrlDomain> domains;
  std::vector<pid_t> tids;  // as the mount's pid namespace numbers them
};

struct ResctrlReading {
  std::vector<ResctrlGroup> groups;  // the root first, then by name
  size_t left_out_count = 0;         // groups and domains beyond the bounds
};

// `may_read`: whether a domain's CPUs may be asked. UNAVAILABLE: it is not mounted, or monitors nothing; the message has the mend.
absl::StatusOr<ResctrlReading> ReadResctrl(const FileRoot& root, const MonotonicClock& clock,
                                           const std::function<bool(int domain)>& may_read);

// Between two readings; of groups and domains that are in both. By name, then domain. `caches` tell which CPUs a domain has.
std::vector<GroupBandwidthRow> BandwidthsBetween(const ResctrlReading& before, const ResctrlReading& after,
                                                 const std::vector<LastLevelCache>& caches, const NumaNodes& nodes);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_NUMA_RESCTRL_GROUPS_H_
