// HostBandwidth: what nodes, links and groups of threads moved through memory in a time, by whatever this host has for it. One thread,
// which waits that time; system calls.
#ifndef HFTMON_DAEMON_NUMA_HOST_BANDWIDTH_H_
#define HFTMON_DAEMON_NUMA_HOST_BANDWIDTH_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/monotonic_clock.h"
#include "daemon/numa/bandwidth_rows.h"
#include "daemon/numa/node_bandwidth.h"
#include "daemon/numa/resctrl_groups.h"
#include "daemon/os/file_root.h"
#include "daemon/os/perf_event_calls.h"
#include "daemon/os/perf_event_error.h"

namespace hftmon {

struct HostBandwidthParts {
  FileRoot files;
  PerfEventCalls* calls = nullptr;
  const MonotonicClock* clock = nullptr;
  PerfEventRefusalFacts facts;
  BandwidthPlaces places;
};

// `wait` sleeps so long; true: it was cancelled, and so is this (CANCELLED).
absl::StatusOr<HostBandwidth> MeasureHostBandwidth(const HostBandwidthParts& parts, int64_t duration_ns,
                                                   const std::function<bool(int64_t)>& wait);

// A row for each domain: the sum of the root's and the control groups', or nothing where one of them has no value.
std::vector<NodeBandwidthRow> DomainRows(const std::vector<GroupBandwidthRow>& groups, std::string* unavailable);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_NUMA_HOST_BANDWIDTH_H_
