#include "client/cli/render/correlate.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "client/cli/render/both_numbers.h"
#include "client/cli/render/spikes.h"
#include "client/cli/table.h"
#include "client/cli/time_scale.h"
#include "common/counted.h"
#include "common/duration.h"

namespace hftmon {
namespace {

using SpikesById = std::map<uint64_t, const v1::Spike*>;

SpikesById IndexOf(const v1::CorrelateEventsResponse& response) {
  SpikesById spikes;
  for (const v1::CorrelatedEvent& event : response.events()) {
    for (const v1::Spike& spike : event.spikes()) spikes.try_emplace(spike.id(), &spike);
  }
  return spikes;
}

std::string NameOf(const std::string& kind, const std::string& actor) {
  return actor.empty() ? kind : fmt::format("{} {}", kind, Printable(actor));
}

// The cause that had most of it, the unexplained among them.
std::string MainCause(const v1::Spike& spike) {
  if (spike.causes().empty() || spike.unexplained_ns() > spike.causes(0).duration_ns()) return "unexplained";
  const v1::Cause& cause = spike.causes(0);
  const std::string actor = cause.actor().name().empty() ? cause.actor().comm() : cause.actor().name();
  return actor.empty() && spike.kind() == "blocked" ? NameOf(cause.kind(), spike.call().name()) : NameOf(cause.kind(), actor);
}

std::string EventTable(const v1::CorrelateEventsResponse& response, const absl::TimeZone& zone) {
  const SpikesById spikes = IndexOf(response);
  Table table({{"event", Table::Align::kLeft},
               {"time", Table::Align::kLeft},
               {"stalled"},
               {"stalls"},
               {"longest"},
               {"kind", Table::Align::kLeft},
               {"thread", Table::Align::kLeft},
               {"by", Table::Align::kLeft},
               {"number"}});
  for (const v1::CorrelatedEvent& event : response.events()) {
    if (event.spike_ids().empty()) continue;
    const auto found = spikes.find(event.spike_ids(0));
    if (found == spikes.end()) continue;
    const v1::Spike& longest = *found->second;
    table.AddRow({Printable(event.id()), FormatTime(event.monotonic_ns(), response.time(), zone, TimeScale::kLocal),
                  FormatDuration(event.stalled_ns()), std::to_string(event.spike_ids_size()), FormatDuration(longest.duration_ns()),
                  longest.kind(), fmt::format("{}[{}]", Printable(longest.thread().comm()), ThreadNumbersText(longest.thread())),
                  MainCause(longest), fmt::format("#{}", longest.id())});
  }
  return table.empty() ? "" : table.Print();
}

std::string CauseTable(const v1::CorrelateEventsResponse& response) {
  Table table({{"cause", Table::Align::kLeft}, {"events"}, {"duration"}});
  for (const v1::CorrelatedCause& cause : response.causes()) {
    table.AddRow({NameOf(cause.kind(), cause.actor()), std::to_string(cause.event_count()), FormatDuration(cause.duration_ns())});
  }
  return table.empty() ? "" : "\n" + table.Print() + "\n";
}

Json EventJson(const v1::CorrelatedEvent& event) {
  Json json{{"id", event.id()}, {"monotonic_ns", event.monotonic_ns()}, {"error_ns", event.error_ns()}, {"spike_ids", Json::array()}};
  for (const uint64_t id : event.spike_ids()) json["spike_ids"].push_back(id);
  json["stalled_ns"] = event.stalled_ns();
  if (!event.outside().empty()) json["outside"] = event.outside();
  return json;
}

}  // namespace

std::string CorrelateText(const v1::CorrelateEventsResponse& response, const absl::TimeZone& zone) {
  std::string text = EventTable(response, zone) + CauseTable(response);
  text += fmt::format("{} of {} hit\n", response.hit_count(),
                      Counted(static_cast<uint64_t>(response.events_size()), "event was", "events were"));
  std::map<std::string, uint64_t> outside;
  for (const v1::CorrelatedEvent& event : response.events()) {
    if (!event.outside().empty()) ++outside[event.outside()];
  }
  for (const auto& [reason, count] : outside) {
    text += fmt::format("nothing is known of {}: {}\n", Counted(count, "event"), Printable(reason));
  }
  return text;
}

Json CorrelateJson(const v1::CorrelateEventsResponse& response) {
  Json json = NewAnswer();
  json["time"] = TimeJson(response.time());
  json["event_count"] = response.events_size();
  json["hit_count"] = response.hit_count();
  json["events"] = Json::array();
  json["spikes"] = Json::array();
  std::set<uint64_t> told;
  for (const v1::CorrelatedEvent& event : response.events()) {
    json["events"].push_back(EventJson(event));
    for (const v1::Spike& spike : event.spikes()) {
      if (told.insert(spike.id()).second) json["spikes"].push_back(SpikeJson(spike, response.time()));
    }
  }
  json["causes"] = Json::array();
  for (const v1::CorrelatedCause& cause : response.causes()) {
    Json one{{"kind", cause.kind()}};
    if (!cause.actor().empty()) one["actor"] = cause.actor();
    one["event_count"] = cause.event_count();
    one["duration_ns"] = cause.duration_ns();
    json["causes"].push_back(one);
  }
  json["incomplete"] = response.incomplete();
  if (response.has_floor_ns()) json["floor_ns"] = response.floor_ns();
  json["lost_records"] = response.lost_records();
  json["unslotted_thread_count"] = response.unslotted_thread_count();
  return json;
}

void AppendCorrelation(const v1::CorrelateEventsResponse& more, v1::CorrelateEventsResponse* all) {
  *all->mutable_time() = more.time();
  all->mutable_events()->MergeFrom(more.events());
  all->set_hit_count(all->hit_count() + more.hit_count());
  std::map<std::pair<std::string, std::string>, v1::CorrelatedCause*> known;
  for (v1::CorrelatedCause& cause : *all->mutable_causes()) known[{cause.kind(), cause.actor()}] = &cause;
  for (const v1::CorrelatedCause& cause : more.causes()) {
    const auto found = known.find({cause.kind(), cause.actor()});
    if (found == known.end()) {
      *all->add_causes() = cause;
      continue;
    }
    found->second->set_event_count(found->second->event_count() + cause.event_count());
    found->second->set_duration_ns(found->second->duration_ns() + cause.duration_ns());
  }
  std::stable_sort(all->mutable_causes()->begin(), all->mutable_causes()->end(),
                   [](const v1::CorrelatedCause& a, const v1::CorrelatedCause& b) { return a.event_count() > b.event_count(); });
  all->set_incomplete(all->incomplete() || more.incomplete());
  if (more.has_floor_ns()) all->set_floor_ns(std::max(all->floor_ns(), more.floor_ns()));
  all->set_lost_records(all->lost_records() + more.lost_records());
  all->set_unslotted_thread_count(std::max(all->unslotted_thread_count(), more.unslotted_thread_count()));
}

}  // namespace hftmon
