#include "common/perf/perf_record_teller.h"

#include <fmt/format.h>

#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "common/perf/perf_field_cursor.h"
#include "common/saturating_sum.h"

namespace hftmon {
namespace {

constexpr size_t kTypesMax = 1'024;  // counted each: a damaged file may have a record of any

// Of EVENT_UPDATE.
constexpr uint64_t kUpdateUnit = 0, kUpdateScale = 1, kUpdateName = 2;
// Of STAT_ROUND.
constexpr uint64_t kRoundFinal = 1;

}  // namespace

absl::Status PerfRecordTeller::Take(const PerfRecord& record) {
  if (records_by_type_.size() >= kTypesMax && !records_by_type_.contains(record.header.type)) {
    return absl::DataLossError(fmt::format("there are records of more than {} types", kTypesMax));
  }
  ++records_by_type_[record.header.type];
  return record.header.IsKernels() ? TakeKernels(record) : TakePerfs(record);
}

absl::Status PerfRecordTeller::TakeKernels(const PerfRecord& record) {
  const auto type = static_cast<PerfRecordType>(record.header.type);
  if (type == PerfRecordType::kSample) return TakeSample(record);
  const auto tell = [&](auto parse, auto told) -> absl::Status {
    const absl::StatusOr<PerfEventTable::Trailer> trailer = events_->OfTrailer(record.body);
    if (!trailer.ok()) return trailer.status();
    const auto parsed = parse(*trailer->attr, record);
    if (!parsed.ok()) return parsed.status();
    (visitor_->*told)(*parsed);
    return absl::OkStatus();
  };
  const auto tell_with_event = [&](auto take) -> absl::Status {
    const absl::StatusOr<PerfEventTable::Trailer> trailer = events_->OfTrailer(record.body);
    return trailer.ok() ? (this->*take)(record, *trailer) : trailer.status();
  };
  switch (type) {
    case PerfRecordType::kMmap:
    case PerfRecordType::kMmap2:
      return tell(ParseMapping, &PerfDataVisitor::OnMapping);
    case PerfRecordType::kComm:
      return tell(ParseComm, &PerfDataVisitor::OnComm);
    case PerfRecordType::kFork:
      return tell(ParseTask, &PerfDataVisitor::OnFork);
    case PerfRecordType::kExit:
      return tell(ParseTask, &PerfDataVisitor::OnExit);
    case PerfRecordType::kSwitch:
    case PerfRecordType::kSwitchCpuWide:
      return tell(ParseSwitch, &PerfDataVisitor::OnSwitch);
    case PerfRecordType::kAux:
      return tell(ParseAux, &PerfDataVisitor::OnAux);
    case PerfRecordType::kItraceStart:
      return tell(ParseItraceStart, &PerfDataVisitor::OnItraceStart);
    case PerfRecordType::kLost:
    case PerfRecordType::kLostSamples:
      return tell_with_event(&PerfRecordTeller::TakeLost);
    case PerfRecordType::kThrottle:
    case PerfRecordType::kUnthrottle:
      return tell_with_event(&PerfRecordTeller::TakeThrottle);
    default:
      return absl::OkStatus();
  }
}

absl::Status PerfRecordTeller::TakePerfs(const PerfRecord& record) {
  switch (static_cast<PerfRecordType>(record.header.type)) {
    case PerfRecordType::kHeaderAttr:
      return pipe_ ? TakeAttr(record) : absl::OkStatus();
    case PerfRecordType::kFeature:
      return pipe_ ? TakeFeature(record) : absl::OkStatus();
    case PerfRecordType::kBuildId:
      return features_->build_ids.AddEntry(record.header.misc, record.body);
    case PerfRecordType::kEventUpdate:
      return TakeUpdate(record);
    case PerfRecordType::kStat:
      return TakeStat(record);
    case PerfRecordType::kStatRound:
      return TakeStatRound(record);
    case PerfRecordType::kAuxtraceInfo:
      return TakeTraceInfo(record);
    case PerfRecordType::kTimeConversion:
      return TakeTimeConversion(record);
    default:
      return absl::OkStatus();
  }
}

absl::Status PerfRecordTeller::TakeSample(const PerfRecord& record) {
  const absl::StatusOr<PerfEvent*> event = events_->OfSample(record.body);
  if (!event.ok()) return event.status();
  if (*event == nullptr) {
    ++unmatched_samples_;
    return absl::OkStatus();
  }
  const absl::StatusOr<PerfSample> sample = DecodeSample((*event)->attr, record.body);
  if (!sample.ok()) return sample.status();
  ++(*event)->sample_count;
  visitor_->OnSample(**event, *sample, record.header.misc);
  return absl::OkStatus();
}

PerfEvent* PerfRecordTeller::EventOf(uint64_t id) {
  PerfEvent* const only = events_->Only();
  return only != nullptr ? only : events_->Find(id);
}

absl::Status PerfRecordTeller::TakeLost(const PerfRecord& record, const PerfEventTable::Trailer& trailer) {
  const absl::StatusOr<PerfLost> lost = ParseLost(*trailer.attr, record);
  if (!lost.ok()) return lost.status();
  PerfEvent* const event = lost->id.has_value() ? EventOf(*lost->id) : trailer.event;
  if (event != nullptr) {
    uint64_t& sum = lost->samples ? event->lost_sample_count : event->lost_count;
    sum = SaturatingSum(sum, lost->count);
  }
  visitor_->OnLost(event, *lost);
  return absl::OkStatus();
}

absl::Status PerfRecordTeller::TakeThrottle(const PerfRecord& record, const PerfEventTable::Trailer& trailer) {
  const absl::StatusOr<PerfThrottle> throttle = ParseThrottle(*trailer.attr, record);
  if (!throttle.ok()) return throttle.status();
  PerfEvent* const event = EventOf(throttle->id);
  if (event != nullptr) ++(throttle->throttled ? event->throttle_count : event->unthrottle_count);
  visitor_->OnThrottle(event, *throttle);
  return absl::OkStatus();
}

absl::Status PerfRecordTeller::TakeAttr(const PerfRecord& record) {
  const absl::StatusOr<PerfAttr> attr = ParsePerfAttr(record.body);
  if (!attr.ok()) return absl::DataLossError(attr.status().message());
  const std::span<const std::byte> rest = record.body.subspan(attr->size);
  if (rest.size() % 8 != 0) return absl::DataLossError(fmt::format("HEADER_ATTR has {} bytes of ids, which are 8 each", rest.size()));
  std::vector<uint64_t> ids;
  ids.reserve(rest.size() / 8);
  for (size_t at = 0; at < rest.size(); at += 8) ids.push_back(LoadLittleEndian<uint64_t>(rest, at));
  return events_->Add(*attr, ids);
}

absl::Status PerfRecordTeller::TakeFeature(const PerfRecord& record) {
  PerfFieldCursor cursor("FEATURE", record.body);
  const auto number = cursor.Take<uint64_t>("number");
  if (!cursor.ok()) return cursor.status();
  if (number > ~uint32_t{0}) return absl::OkStatus();  // newer than this
  if (absl::Status parsed = ParsePerfFeature(static_cast<uint32_t>(number), cursor.rest(), features_); !parsed.ok()) return parsed;
  if (!features_->descriptions.empty()) events_->Describe(std::exchange(features_->descriptions, {}));
  return absl::OkStatus();
}

absl::Status PerfRecordTeller::TakeUpdate(const PerfRecord& record) {
  PerfFieldCursor cursor("EVENT_UPDATE", record.body);
  const auto kind = cursor.Take<uint64_t>("kind");
  PerfEvent* const event = EventOf(cursor.Take<uint64_t>("id"));
  if (!cursor.ok()) return cursor.status();
  if (event == nullptr) return absl::OkStatus();
  if (kind == kUpdateScale) {
    const auto scale = cursor.Take<double>("scale");
    if (cursor.ok() && !std::isfinite(scale)) return absl::DataLossError("EVENT_UPDATE gives a scale that is no number");
    if (cursor.ok()) event->scale = scale;
  } else if (kind == kUpdateUnit || kind == kUpdateName) {
    const std::string_view text = cursor.TakeText(kind == kUpdateUnit ? "unit" : "name");
    if (text.size() > kPerfNameBytesMax) return absl::DataLossError("EVENT_UPDATE has a name that is longer than any");
    if (cursor.ok()) (kind == kUpdateUnit ? event->unit : event->name) = text;
  }
  return cursor.status();
}

absl::Status PerfRecordTeller::TakeStat(const PerfRecord& record) {
  PerfFieldCursor cursor("STAT", record.body);
  PerfStat stat;
  stat.id = cursor.Take<uint64_t>("id");
  stat.cpu = cursor.Take<int32_t>("cpu");
  stat.thread = cursor.Take<uint32_t>("thread");
  stat.value = cursor.Take<uint64_t>("value");
  stat.enabled_ns = cursor.Take<uint64_t>("time enabled");
  stat.running_ns = cursor.Take<uint64_t>("time running");
  if (!cursor.ok()) return cursor.status();
  const PerfEvent* const event = EventOf(stat.id);
  if (event == nullptr) ++unmatched_stats_;
  visitor_->OnStat(event, stat);
  return absl::OkStatus();
}

absl::Status PerfRecordTeller::TakeTraceInfo(const PerfRecord& record) {
  const absl::StatusOr<PerfAuxtraceInfo> info = ParseAuxtraceInfo(record);
  if (info.ok()) visitor_->OnAuxtraceInfo(*info);
  return info.status();
}

absl::Status PerfRecordTeller::TakeTimeConversion(const PerfRecord& record) {
  const absl::StatusOr<std::optional<PerfTimeConversion>> conversion = ParseTimeConversion(record);
  if (conversion.ok() && conversion->has_value()) visitor_->OnTimeConversion(**conversion);
  return conversion.status();
}

absl::Status PerfRecordTeller::TakeStatRound(const PerfRecord& record) {
  PerfFieldCursor cursor("STAT_ROUND", record.body);
  const auto kind = cursor.Take<uint64_t>("kind");
  const auto time_ns = cursor.Take<int64_t>("time");
  if (!cursor.ok()) return cursor.status();
  visitor_->OnStatRound(time_ns, kind == kRoundFinal);
  return absl::OkStatus();
}

}  // namespace hftmon
