// BandwidthRows: what nodes, links and groups of threads moved through memory in a time. Passive data.
#ifndef HFTMON_DAEMON_NUMA_BANDWIDTH_ROWS_H_
#define HFTMON_DAEMON_NUMA_BANDWIDTH_ROWS_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hftmon {

struct NodeBandwidthRow {
  std::string source;
  int package = 0;          // or L3 domain
  std::optional<int> node;  // absent: the package has several nodes
  std::optional<double> read_mb_s;
  std::optional<double> write_mb_s;
  std::optional<double> total_mb_s;  // of reads and writes where they are told apart
  std::optional<double> local_mb_s;  // resctrl's alone
  int64_t window_ns = 0;
  int counter_count = 0;
  double running_share = 1;
};

struct LinkTrafficRow {
  std::string source;
  int package = 0;
  int link = 0;
  double sent_mb_s = 0;
  int64_t window_ns = 0;
};

struct BandwidthRows {
  std::vector<NodeBandwidthRow> nodes;  // by source, then package
  std::vector<LinkTrafficRow> links;    // by source, package, link
  std::string nodes_unavailable;        // why there are none, or not all; empty: all
  std::string links_unavailable;
};

struct GroupBandwidthRow {
  std::string name;
  bool control = false;
  int domain = 0;
  std::optional<int> node;  // absent: not told, or the domain's CPUs are of several
  std::optional<double> total_mb_s;
  std::optional<double> local_mb_s;
  std::optional<int64_t> llc_bytes;
  int64_t window_ns = 0;
  std::vector<pid_t> tids;
  std::string reason;  // why a value is absent, in the kernel's word where it has one
};

struct HostBandwidth {
  BandwidthRows rows;                     // of the PMUs, and of resctrl's domains: root and control groups together
  std::vector<GroupBandwidthRow> groups;  // of resctrl, without the root
  std::string groups_unavailable;         // empty: none is missing
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_NUMA_BANDWIDTH_ROWS_H_
