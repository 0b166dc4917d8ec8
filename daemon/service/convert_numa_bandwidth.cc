#include "daemon/service/convert_numa_bandwidth.h"

#include <algorithm>
#include <set>
#include <string>

namespace hftmon {
namespace {

void RowToProto(const NodeBandwidthRow& row, v1::NodeBandwidth* out) {
  if (row.node) out->set_node(*row.node);
  out->set_source(row.source);
  out->set_domain(row.package);
  if (row.read_mb_s) out->set_read_mb_s(*row.read_mb_s);
  if (row.write_mb_s) out->set_write_mb_s(*row.write_mb_s);
  if (row.total_mb_s) out->set_total_mb_s(*row.total_mb_s);
  if (row.local_mb_s) out->set_local_mb_s(*row.local_mb_s);
  out->set_window_ns(row.window_ns);
  out->set_counter_count(row.counter_count);
  out->set_running_share(row.running_share);
}

void LinkToProto(const LinkTrafficRow& row, v1::LinkTraffic* out) {
  out->set_source(row.source);
  out->set_package(row.package);
  out->set_link(row.link);
  out->set_sent_mb_s(row.sent_mb_s);
  out->set_window_ns(row.window_ns);
}

void GroupToProto(const GroupBandwidthRow& row, const std::vector<NumaLookedProcess>& processes, v1::BandwidthGroup* out) {
  out->set_name(row.name);
  out->set_domain(row.domain);
  if (row.node) out->set_node(*row.node);
  if (row.total_mb_s) out->set_total_mb_s(*row.total_mb_s);
  if (row.local_mb_s) out->set_local_mb_s(*row.local_mb_s);
  if (row.llc_bytes) out->set_llc_bytes(*row.llc_bytes);
  out->set_reason(row.reason);
  const std::set<pid_t> tids(row.tids.begin(), row.tids.end());
  for (const NumaLookedProcess& process : processes) {
    const bool inside = std::any_of(process.threads.begin(), process.threads.end(),
                                    [&tids](const LocatedThread& thread) { return tids.contains(static_cast<pid_t>(thread.tid)); });
    if (inside) out->add_pids(static_cast<int32_t>(process.pid));
  }
}

void PutUnavailable(const char* part, const std::string& reason, v1::QueryNumaResponse* out) {
  if (reason.empty()) return;
  v1::UnavailablePart* added = out->add_unavailable();
  added->set_part(part);
  added->set_reason(reason);
}

}  // namespace

void HostBandwidthToProto(const HostBandwidth& bandwidth, const std::vector<NumaLookedProcess>& processes, v1::QueryNumaResponse* out) {
  for (const NodeBandwidthRow& row : bandwidth.rows.nodes) RowToProto(row, out->add_bandwidths());
  for (const LinkTrafficRow& row : bandwidth.rows.links) LinkToProto(row, out->add_links());
  for (const GroupBandwidthRow& row : bandwidth.groups) GroupToProto(row, processes, out->add_groups());
  PutUnavailable("bandwidth", bandwidth.rows.nodes_unavailable, out);
  PutUnavailable("links", bandwidth.rows.links_unavailable, out);
  PutUnavailable("groups", bandwidth.groups_unavailable, out);
}

}  // namespace hftmon
