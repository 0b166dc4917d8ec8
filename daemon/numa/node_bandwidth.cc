#include "daemon/numa/node_bandwidth.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "daemon/pmu/counter_delta.h"
#include "daemon/pmu/event_attributes.h"

namespace hftmon {
namespace {

constexpr char kControllers[] = "uncore_imc*, amd_umc*, amd_df, arm_cmn*";
constexpr char kLinks[] = "uncore_upi*, amd_df";
constexpr size_t kReasonsTold = 3;

double RateMbS(const BandwidthEvent& event, const CounterReading& reading) {
  return static_cast<double>(*reading.Scaled()) * event.bytes * 1e3 / static_cast<double>(reading.enabled_ns);
}

std::string Joined(const std::set<std::string>& reasons) {
  std::vector<std::string> told;
  for (const std::string& reason : reasons) {
    if (told.size() == kReasonsTold) break;
    told.push_back(reason);
  }
  std::string text = fmt::format("{}", fmt::join(told, "; "));
  if (reasons.size() > told.size()) text += fmt::format("; and {} more reasons", reasons.size() - told.size());
  return text;
}

// All counters of a source and package, as they are read.
struct Sum {
  NodeBandwidthRow row;
  std::string reason;  // of one that is missing
};

void Add(const BandwidthEvent& event, const CounterReading& reading, NodeBandwidthRow* row) {
  const double rate = RateMbS(event, reading);
  const auto add = [rate](std::optional<double>* to) { *to = to->value_or(0) + rate; };
  if (event.kind == TrafficKind::kRead) add(&row->read_mb_s);
  if (event.kind == TrafficKind::kWrite) add(&row->write_mb_s);
  add(&row->total_mb_s);
  ++row->counter_count;
  row->window_ns = std::max(row->window_ns, static_cast<int64_t>(reading.enabled_ns));
  row->running_share = std::min(row->running_share, static_cast<double>(reading.running_ns) / static_cast<double>(reading.enabled_ns));
}

}  // namespace

NodeBandwidthCounters::NodeBandwidthCounters(PerfEventCalls& calls, BandwidthEvents events, BandwidthPlaces places,
                                             const PerfEventRefusalFacts& facts)
    : events_(std::move(events)), places_(std::move(places)) {
  for (size_t event = 0; event < events_.events.size(); ++event) {
    for (const int cpu : events_.events[event].encoding.cpus) {
      Counter counter{.event = event, .cpu = cpu};
      const LogicalCpu* known = places_.topology.Find(cpu);
      counter.package = known == nullptr ? 0 : known->package;
      if (counters_.size() == kCountersMax) {
        ++left_out_count_;
        left_out_of_.insert({events_.events[event].source, counter.package});
        continue;
      }
      Open(calls, facts, &counter);
      counters_.push_back(std::move(counter));
    }
  }
}

void NodeBandwidthCounters::Open(PerfEventCalls& calls, const PerfEventRefusalFacts& facts, Counter* counter) const {
  const EventEncoding& encoding = events_.events[counter->event].encoding;
  if (std::binary_search(places_.avoided_cpus.begin(), places_.avoided_cpus.end(), counter->cpu)) {
    counter->reason = fmt::format(
        "{} is counted on CPU {}, which is to be left alone (kept free of ordinary work, or a watched thread is bound there): reading it "
        "would "
        "interrupt it",
        encoding.pmu, counter->cpu);
    return;
  }
  const CountedEvent event{.name = encoding.name, .attributes = AttributesOf(encoding)};
  absl::StatusOr<CounterGroup> group = CounterGroup::Open(calls, {.tid = -1, .cpu = counter->cpu}, std::span(&event, 1), {.facts = facts});
  absl::Status status = group.status();
  if (status.ok()) status = group->Enable();
  if (status.ok()) {
    const absl::StatusOr<std::vector<CounterReading>> reading = group->Read();
    status = reading.status();
    if (status.ok()) counter->begin = reading->front();
  }
  if (status.ok()) {
    counter->group = *std::move(group);
  } else {
    counter->reason = std::string(status.message());
  }
}

absl::StatusOr<CounterReading> NodeBandwidthCounters::ReadSince(const Counter& counter) const {
  if (!counter.group) return absl::UnavailableError(counter.reason);
  const absl::StatusOr<std::vector<CounterReading>> now = counter.group->Read();
  if (!now.ok()) return now.status();
  absl::StatusOr<CounterReading> since = CounterDelta(counter.begin, now->front());
  if (!since.ok() || since->counted()) return since;
  return absl::UnavailableError(fmt::format("{} of CPU {} had no counter all the while: others hold them, or the time was too short",
                                            counter.group->name(0), counter.cpu));
}

std::optional<int> NodeBandwidthCounters::NodeOfPackage(int package) const {
  std::set<int> nodes;
  for (const LogicalCpu& cpu : places_.topology.cpus) {
    if (const int node = places_.nodes.NodeOf(cpu.cpu); cpu.package == package && node >= 0) nodes.insert(node);
  }
  return nodes.size() == 1 ? std::optional<int>(*nodes.begin()) : std::nullopt;
}

std::string NodeBandwidthCounters::WhyNone(const char* what, const char* pmus) const {
  std::string text = fmt::format("this host has no PMU of {} that is known here ({}); it has ", what, pmus);
  text += events_.others.empty() ? "none" : events_.others;
  text += ": guests are given none, and on the host itself their driver may be a module that is not loaded";
  for (const std::string& reason : events_.reasons) text += "; " + reason;
  return text;
}

void NodeBandwidthCounters::AddLink(const BandwidthEvent& event, const Counter& counter, BandwidthRows* rows) const {
  const absl::StatusOr<CounterReading> reading = ReadSince(counter);
  if (!reading.ok()) {
    if (rows->links_unavailable.empty()) rows->links_unavailable = std::string(reading.status().message());
    return;
  }
  rows->links.push_back({.source = event.source,
                         .package = counter.package,
                         .link = event.link,
                         .sent_mb_s = RateMbS(event, *reading),
                         .window_ns = static_cast<int64_t>(reading->enabled_ns)});
}

BandwidthRows NodeBandwidthCounters::Read() const {
  BandwidthRows rows;
  std::map<std::pair<std::string, int>, Sum> sums;
  bool has_links = false;
  for (const Counter& counter : counters_) {
    const BandwidthEvent& event = events_.events[counter.event];
    if (event.kind == TrafficKind::kLink) {
      has_links = true;
      AddLink(event, counter, &rows);
      continue;
    }
    Sum& sum = sums[{event.source, counter.package}];
    const absl::StatusOr<CounterReading> reading = ReadSince(counter);
    if (reading.ok()) {
      Add(event, *reading, &sum.row);
    } else if (sum.reason.empty()) {
      sum.reason = std::string(reading.status().message());
    }
  }
  std::set<std::string> reasons(events_.reasons.begin(), events_.reasons.end());
  if (left_out_count_ > 0) reasons.insert(fmt::format("{} counters beyond {} are not read", left_out_count_, kCountersMax));
  for (auto& [place, sum] : sums) {
    const bool incomplete = events_.incomplete.contains(place.first) || left_out_of_.contains(place);
    if (sum.reason.empty() && incomplete) sum.reason = "some of its counters are not read, and a sum without them would be low";
    if (!sum.reason.empty()) {
      reasons.insert(fmt::format("{} of package {}: {}", place.first, place.second, sum.reason));
      continue;
    }
    std::tie(sum.row.source, sum.row.package) = place;
    sum.row.node = NodeOfPackage(place.second);
    rows.nodes.push_back(std::move(sum.row));
  }
  std::sort(rows.links.begin(), rows.links.end(), [](const LinkTrafficRow& a, const LinkTrafficRow& b) {
    return std::tie(a.source, a.package, a.link) < std::tie(b.source, b.package, b.link);
  });
  rows.nodes_unavailable = sums.empty() ? WhyNone("memory controllers", kControllers) : Joined(reasons);
  if (!has_links) rows.links_unavailable = WhyNone("links between packages", kLinks);
  return rows;
}

}  // namespace hftmon
