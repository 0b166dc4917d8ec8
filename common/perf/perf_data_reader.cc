#include "common/perf/perf_data_reader.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>
#include <utility>

#include "common/perf/perf_data_format.h"
#include "common/perf/perf_data_header.h"
#include "common/perf/perf_event_table.h"
#include "common/perf/perf_features.h"
#include "common/perf/perf_field_cursor.h"
#include "common/perf/perf_packed_records.h"
#include "common/perf/perf_record_stream.h"
#include "common/perf/perf_record_teller.h"

namespace hftmon {
namespace {

// One reading of a file: its records in order, those that others pack, and bytes between them that are none.
class FileReading {
 public:
  FileReading(ByteSource* source, const PerfDataHeader& header, PerfRecordTeller* teller, PerfDataVisitor* visitor)
      : pipe_(header.pipe), stream_(source, header.data.at, header.data.bytes), teller_(teller), visitor_(visitor) {}

  absl::Status ReadAll() {
    for (;;) {
      const absl::StatusOr<std::optional<PerfRecord>> record = stream_.Next();
      if (!record.ok()) return Placed(record.status());
      if (!record->has_value()) return Placed(packed_.Finish());
      if (absl::Status taken = Take(**record); !taken.ok()) return Placed(taken);
    }
  }
  bool compressed() const { return compressed_; }
  uint64_t aux_bytes() const { return aux_bytes_; }

 private:
  absl::Status Take(const PerfRecord& record) {
    if (absl::Status told = teller_->Take(record); !told.ok()) return told;
    PerfFieldCursor cursor(PerfRecordTypeName(record.header.type), record.body);
    switch (static_cast<PerfRecordType>(record.header.type)) {
      case PerfRecordType::kCompressed:
        return TakePacked(record.body);
      case PerfRecordType::kCompressed2: {
        const std::span<const std::byte> packed = cursor.TakeBytes(cursor.Take<uint64_t>("size"), "compressed records");
        return cursor.ok() ? TakePacked(packed) : cursor.status();
      }
      case PerfRecordType::kAuxtrace:
        return TakeTrace(record);
      case PerfRecordType::kTracingData: {
        if (!pipe_) return absl::OkStatus();
        const uint64_t bytes = cursor.Take<uint32_t>("size");
        return cursor.ok() ? stream_.Skip((bytes + 7) / 8 * 8) : cursor.status();
      }
      default:
        return absl::OkStatus();
    }
  }

  absl::Status TakeTrace(const PerfRecord& record) {
    const absl::StatusOr<PerfAuxtrace> trace = ParseAuxtrace(record);
    if (!trace.ok()) return trace.status();
    if (absl::Status skipped = stream_.Skip(trace->bytes); !skipped.ok()) return skipped;
    aux_bytes_ += trace->bytes;
    visitor_->OnAuxtrace(*trace, stream_.record_at() + record.header.size);
    return absl::OkStatus();
  }

  absl::Status TakePacked(std::span<const std::byte> packed) {
    compressed_ = true;
    return packed_.Take(packed, [this](const PerfRecord& record) -> absl::Status {
      switch (static_cast<PerfRecordType>(record.header.type)) {
        case PerfRecordType::kCompressed:
        case PerfRecordType::kCompressed2:
        case PerfRecordType::kAuxtrace:
          return absl::DataLossError(
              fmt::format("a compressed record is {}, which perf never compresses", PerfRecordTypeName(record.header.type)));
        default:
          return teller_->Take(record);
      }
    });
  }

  absl::Status Placed(const absl::Status& status) const {
    if (status.ok()) return status;
    const std::string message(status.message());
    if (!absl::IsDataLoss(status))
      return absl::Status(status.code(), fmt::format("perf.data, record at byte {}: {}", stream_.record_at(), message));
    return absl::DataLossError(fmt::format("perf.data is damaged at byte {}: {}; copy it again, or record again and let perf end by itself",
                                           stream_.record_at(), message));
  }

  const bool pipe_;
  PerfRecordStream stream_;
  PerfRecordTeller* const teller_;
  PerfDataVisitor* const visitor_;
  PerfPackedRecords packed_;
  bool compressed_ = false;
  uint64_t aux_bytes_ = 0;
};

// The count, and what goes with one or with many of it; none is no note.
void AddCount(uint64_t count, std::string_view one, std::string_view many, std::vector<std::string>* notes) {
  if (count != 0) notes->push_back(fmt::format("{} {}", count, count == 1 ? one : many));
}

void AddNotes(const PerfFeatures& features, PerfDataSummary* summary) {
  std::vector<std::string>* const notes = &summary->notes;
  if (summary->pipe) notes->push_back("a recording from a pipe has no mark of its end: whether it is whole cannot be told");
  AddCount(summary->unmatched_samples, "sample is of an event that the file does not describe, and is left out",
           "samples are of events that the file does not describe, and are left out", notes);
  AddCount(summary->unmatched_stats, "value of `perf stat` is of an event that the file does not describe",
           "values of `perf stat` are of events that the file does not describe", notes);
  uint64_t unknown_count = 0;
  for (const auto& [type, count] : summary->records_by_type) unknown_count += PerfRecordTypeName(type).empty() ? count : 0;
  AddCount(unknown_count, "record is of a type newer than this reader, and is left out",
           "records are of types newer than this reader, and are left out", notes);
  const std::string beyond_nodes = fmt::format("beyond the {} that are kept", PerfDataFormat::kNodesMax);
  AddCount(features.dropped_nodes, fmt::format("node of the host is {}", beyond_nodes),
           fmt::format("nodes of the host are {}", beyond_nodes), notes);
  const std::string beyond_text = fmt::format("without CPUs: the list of them is longer than {} bytes", PerfDataFormat::kNodeCpusBytesMax);
  AddCount(features.nodes_without_cpus, fmt::format("node of the host is {}", beyond_text),
           fmt::format("nodes of the host are {}", beyond_text), notes);
}

}  // namespace

void PerfDataVisitor::OnSample(const PerfEvent&, const PerfSample&, uint16_t) {}
void PerfDataVisitor::OnStat(const PerfEvent*, const PerfStat&) {}
void PerfDataVisitor::OnStatRound(int64_t, bool) {}
void PerfDataVisitor::OnLost(const PerfEvent*, const PerfLost&) {}
void PerfDataVisitor::OnThrottle(const PerfEvent*, const PerfThrottle&) {}
void PerfDataVisitor::OnSwitch(const PerfSwitch&) {}
void PerfDataVisitor::OnComm(const PerfComm&) {}
void PerfDataVisitor::OnMapping(const PerfMapping&) {}
void PerfDataVisitor::OnFork(const PerfTask&) {}
void PerfDataVisitor::OnExit(const PerfTask&) {}
void PerfDataVisitor::OnAuxtraceInfo(const PerfAuxtraceInfo&) {}
void PerfDataVisitor::OnAuxtrace(const PerfAuxtrace&, uint64_t) {}
void PerfDataVisitor::OnAux(const PerfAux&) {}
void PerfDataVisitor::OnItraceStart(const PerfItraceStart&) {}
void PerfDataVisitor::OnTimeConversion(const PerfTimeConversion&) {}

uint64_t PerfDataSummary::RecordCount(PerfRecordType type) const {
  const auto found = records_by_type.find(static_cast<uint32_t>(type));
  return found == records_by_type.end() ? 0 : found->second;
}

absl::StatusOr<PerfDataSummary> ReadPerfData(ByteSource& source, PerfDataVisitor& visitor) {
  const absl::StatusOr<PerfDataHeader> header = ReadPerfDataHeader(source);
  if (!header.ok()) return header.status();
  PerfEventTable events;
  PerfFeatures features;
  if (!header->pipe) {
    if (absl::Status read = ReadPerfEvents(source, *header, &events); !read.ok()) return read;
    if (absl::Status read = ReadPerfFeatures(source, *header, &features); !read.ok()) return read;
    events.Describe(std::exchange(features.descriptions, {}));
  }
  if (features.directory) {
    return absl::InvalidArgumentError(
        "this perf.data is a part of a directory (perf record --threads), whose samples are in files beside it: record without --threads");
  }
  PerfRecordTeller teller(header->pipe, &events, &features, &visitor);
  FileReading reading(&source, *header, &teller, &visitor);
  if (absl::Status read = reading.ReadAll(); !read.ok()) return read;
  PerfDataSummary summary{.pipe = header->pipe,
                          .compressed = reading.compressed(),
                          .host = std::move(features.host),
                          .build_ids = std::move(features.build_ids),
                          .events = events.Take(),
                          .records_by_type = teller.records_by_type(),
                          .aux_bytes = reading.aux_bytes(),
                          .unmatched_samples = teller.unmatched_samples(),
                          .unmatched_stats = teller.unmatched_stats()};
  AddNotes(features, &summary);
  return summary;
}

}  // namespace hftmon
