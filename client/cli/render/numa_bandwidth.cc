#include "client/cli/render/numa_bandwidth.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "client/cli/table.h"
#include "common/duration.h"

namespace hftmon {
namespace {

std::string RateText(bool there, double mb_s) {
  return there ? fmt::format("{:.0f}", mb_s) : "";
}

std::string NodesText(const v1::QueryNumaResponse& response) {
  Table table({{"source", Table::Align::kLeft},
               {"domain"},
               {"node"},
               {"read MB/s"},
               {"write MB/s"},
               {"total MB/s"},
               {"local MB/s"},
               {"in"},
               {"counters"},
               {"counted"}});
  for (const v1::NodeBandwidth& row : response.bandwidths()) {
    table.AddRow({Printable(row.source()), std::to_string(row.domain()), row.has_node() ? std::to_string(row.node()) : "",
                  RateText(row.has_read_mb_s(), row.read_mb_s()), RateText(row.has_write_mb_s(), row.write_mb_s()),
                  RateText(row.has_total_mb_s(), row.total_mb_s()), RateText(row.has_local_mb_s(), row.local_mb_s()),
                  FormatDuration(row.window_ns()), std::to_string(row.counter_count()), fmt::format("{:.0f}%", row.running_share() * 100)});
  }
  return table.empty() ? "" : table.Print();
}

std::string GroupText(const v1::BandwidthGroup& group) {
  std::vector<std::string> parts;
  if (group.has_total_mb_s()) parts.push_back(fmt::format("{:.0f} MB/s", group.total_mb_s()));
  if (group.has_local_mb_s()) parts.push_back(fmt::format("{:.0f} MB/s local", group.local_mb_s()));
  if (group.has_llc_bytes()) parts.push_back(fmt::format("{} KiB of the cache", group.llc_bytes() >> 10));
  if (group.pids_size() > 0) parts.push_back(fmt::format("threads of {}", fmt::join(group.pids(), ", ")));
  if (!group.reason().empty()) parts.push_back(Printable(group.reason()));
  return fmt::format("group {}, domain {}{}: {}\n", Printable(group.name()), group.domain(),
                     group.has_node() ? fmt::format(" (node {})", group.node()) : "", fmt::join(parts, ", "));
}

}  // namespace

std::string NumaBandwidthText(const v1::QueryNumaResponse& response) {
  std::string text = NodesText(response);
  for (const v1::LinkTraffic& link : response.links()) {
    text +=
        fmt::format("{} package {} link {}: sent {:.0f} MB/s\n", Printable(link.source()), link.package(), link.link(), link.sent_mb_s());
  }
  for (const v1::BandwidthGroup& group : response.groups()) text += GroupText(group);
  return text;
}

void PutNumaBandwidth(const v1::QueryNumaResponse& response, Json* json) {
  Json& rows = (*json)["bandwidths"] = Json::array();
  for (const v1::NodeBandwidth& row : response.bandwidths()) {
    Json added{{"source", row.source()}, {"domain", row.domain()}};
    if (row.has_node()) added["node"] = row.node();
    if (row.has_read_mb_s()) added["read_mb_s"] = row.read_mb_s();
    if (row.has_write_mb_s()) added["write_mb_s"] = row.write_mb_s();
    if (row.has_total_mb_s()) added["total_mb_s"] = row.total_mb_s();
    if (row.has_local_mb_s()) added["local_mb_s"] = row.local_mb_s();
    added["window_ns"] = row.window_ns();
    added["counter_count"] = row.counter_count();
    added["running_share"] = row.running_share();
    rows.push_back(std::move(added));
  }
  Json& links = (*json)["links"] = Json::array();
  for (const v1::LinkTraffic& link : response.links()) {
    links.push_back({{"source", link.source()},
                     {"package", link.package()},
                     {"link", link.link()},
                     {"sent_mb_s", link.sent_mb_s()},
                     {"window_ns", link.window_ns()}});
  }
  Json& groups = (*json)["groups"] = Json::array();
  for (const v1::BandwidthGroup& group : response.groups()) {
    Json added{{"name", group.name()}, {"domain", group.domain()}};
    if (group.has_node()) added["node"] = group.node();
    if (group.has_total_mb_s()) added["total_mb_s"] = group.total_mb_s();
    if (group.has_local_mb_s()) added["local_mb_s"] = group.local_mb_s();
    if (group.has_llc_bytes()) added["llc_bytes"] = group.llc_bytes();
    added["pids"] = std::vector<int>(group.pids().begin(), group.pids().end());
    if (!group.reason().empty()) added["reason"] = group.reason();
    groups.push_back(std::move(added));
  }
}

std::string NumaAccessesText(const v1::NumaAccesses& accesses) {
  std::string text = fmt::format("accesses served from memory: {} local, {} remote ({:.1f}%), by {}", accesses.local_count(),
                                 accesses.remote_count(), accesses.remote_share() * 100, Printable(accesses.source()));
  if (accesses.running_share() < 1) text += fmt::format(", counted {:.0f}% of the time and scaled", accesses.running_share() * 100);
  return text;
}

Json NumaAccessesJson(const v1::NumaAccesses& accesses) {
  return {{"local_count", accesses.local_count()},
          {"remote_count", accesses.remote_count()},
          {"remote_share", accesses.remote_share()},
          {"source", accesses.source()},
          {"running_share", accesses.running_share()}};
}

}  // namespace hftmon
