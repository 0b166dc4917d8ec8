// SoftnetStat: what the kernel counts of each CPU's receiving of packets, from /proc/net/softnet_stat. Of the whole host, whatever the
// network namespace; since boot, modulo 2^32.
#ifndef HFTMON_DAEMON_OS_SOFTNET_STAT_H_
#define HFTMON_DAEMON_OS_SOFTNET_STAT_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"

namespace hftmon {

struct SoftnetCpu {
  int cpu = 0;
  uint32_t processed_count = 0;
  uint32_t dropped_count = 0;       // the backlog's queue was full (net.core.netdev_max_backlog)
  uint32_t time_squeeze_count = 0;  // NET_RX gave up with work left: its budget of packets or of time was used up
  uint32_t received_rps_count = 0;  // woken by another CPU to receive
  uint32_t flow_limit_count = 0;
};

// One for each line that is whole. Where lines do not name their CPU (before Linux 5.10) they are taken for those of the online CPUs in
// their order.
std::vector<SoftnetCpu> ParseSoftnetStat(std::string_view text, const std::vector<int>& online_cpus);

absl::StatusOr<std::vector<SoftnetCpu>> ReadSoftnetStat(const FileRoot& root);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_SOFTNET_STAT_H_
