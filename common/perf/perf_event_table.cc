#include "common/perf/perf_event_table.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "common/perf/perf_data_format.h"
#include "common/perf/perf_sample.h"

namespace hftmon {
namespace {

absl::Status NoEvent() {
  return absl::DataLossError("it comes before any event is described");
}

}  // namespace

absl::Status PerfEventTable::Add(const PerfAttr& attr, std::span<const uint64_t> ids) {
  if (events_.size() >= PerfDataFormat::kEventsMax || ids.size() > PerfDataFormat::kIdsMax - id_count_) {
    return absl::ResourceExhaustedError(
        fmt::format("more than {} events or {} ids of events", PerfDataFormat::kEventsMax, PerfDataFormat::kIdsMax));
  }
  const size_t index = events_.size();
  for (const uint64_t id : ids) {
    const auto [at, added] = index_by_id_.try_emplace(id, index);
    if (!added && at->second != index)
      return absl::DataLossError(fmt::format("events {} and {} have the same id {}", at->second, index, id));
  }
  PerfEvent event{.index = index, .attr = attr, .ids = {ids.begin(), ids.end()}};
  event.name = GenericEventName(attr);
  events_.push_back(std::move(event));
  id_count_ += ids.size();
  const std::optional<size_t> id_place = SampleIdPlace(attr);
  ids_stand_in_one_place_ = ids_stand_in_one_place_ && id_place.has_value() && id_place == SampleIdPlace(events_.front().attr);
  return absl::OkStatus();
}

void PerfEventTable::Describe(std::vector<PerfEventDescription> descriptions) {
  descriptions_ = std::move(descriptions);
  NameFrom(0);
  named_count_ = events_.size();
}

void PerfEventTable::NameFrom(size_t first) {
  const bool one_for_one = descriptions_.size() == events_.size();
  for (size_t i = 0; i < descriptions_.size(); ++i) {
    const PerfEventDescription& description = descriptions_[i];
    PerfEvent* event = one_for_one ? &events_[i] : nullptr;
    if (event == nullptr && !description.ids.empty()) event = Find(description.ids.front());
    if (event != nullptr && event->index >= first && !description.name.empty()) event->name = description.name;
  }
}

PerfEvent* PerfEventTable::Find(uint64_t id) {
  const auto found = index_by_id_.find(id);
  return found == index_by_id_.end() ? nullptr : &events_[found->second];
}

absl::StatusOr<PerfEvent*> PerfEventTable::OfSample(std::span<const std::byte> body) {
  if (events_.empty()) return NoEvent();
  if (PerfEvent* const only = Only(); only != nullptr) return only;
  if (index_by_id_.empty() || !ids_stand_in_one_place_) {
    return absl::InvalidArgumentError(fmt::format(
        "there are {} events, and samples do not say which they are of: record each alone, or with a newer perf", events_.size()));
  }
  const std::optional<uint64_t> id = SampleEventId(events_.front().attr, body);
  if (!id.has_value()) return absl::DataLossError(fmt::format("SAMPLE ends before its id: it has {} bytes", body.size()));
  return Find(*id);
}

absl::StatusOr<PerfEventTable::Trailer> PerfEventTable::OfTrailer(std::span<const std::byte> body) {
  if (events_.empty()) return NoEvent();
  if (PerfEvent* const only = Only(); only != nullptr) return Trailer{.event = only, .attr = &only->attr};
  const PerfAttr& any = events_.front().attr;
  const std::optional<uint64_t> id = any.sample_id_all() ? TrailerEventId(any, body) : std::nullopt;
  PerfEvent* const event = id.has_value() ? Find(*id) : nullptr;
  return Trailer{.event = event, .attr = event != nullptr ? &event->attr : &any};
}

std::vector<PerfEvent> PerfEventTable::Take() {
  NameFrom(named_count_);
  index_by_id_.clear();
  return std::exchange(events_, {});
}

}  // namespace hftmon
