#include "common/perf/perf_task_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>

#include "common/perf/perf_field_cursor.h"

namespace hftmon {
namespace {

constexpr uint32_t kKernelPid = ~uint32_t{0};
constexpr uint32_t kMapShared = 1;
constexpr size_t kBuildIdBytesMax = 20;

// The record's own fields, without the trailer, which goes to `id`.
absl::StatusOr<PerfFieldCursor> FieldsOf(const PerfAttr& attr, const PerfRecord& record, PerfSampleId* id) {
  const std::string_view name = PerfRecordTypeName(record.header.type);
  absl::StatusOr<PerfSampleId> trailer = DecodeSampleId(attr, record.body);
  if (!trailer.ok()) return absl::Status(trailer.status().code(), fmt::format("{}: {}", name, std::string(trailer.status().message())));
  *id = *trailer;
  return PerfFieldCursor(name, record.body.first(record.body.size() - trailer->byte_count));
}

absl::StatusOr<std::string_view> TakeName(PerfFieldCursor* cursor) {
  const std::string_view name = cursor->TakeText("name");
  if (!cursor->ok()) return cursor->status();
  if (name.size() > kPerfNameBytesMax) {
    return absl::DataLossError(
        fmt::format("a name of {} bytes is longer than any path of the kernel ({})", name.size(), kPerfNameBytesMax));
  }
  return name;
}

void TakeFileOfMapping(PerfFieldCursor* cursor, bool has_build_id, PerfMapping* mapping) {
  if (has_build_id) {
    const auto size = cursor->Take<uint8_t>("size of the build id");
    cursor->TakeBytes(3, "reserve");
    const std::span<const std::byte> id = cursor->TakeBytes(kBuildIdBytesMax, "build id");
    mapping->build_id = id.first(std::min<size_t>(size, id.size()));
  } else {
    mapping->device_major = cursor->Take<uint32_t>("major");
    mapping->device_minor = cursor->Take<uint32_t>("minor");
    mapping->inode = cursor->Take<uint64_t>("inode");
    cursor->TakeBytes(8, "generation of the inode");
  }
  mapping->protection = cursor->Take<uint32_t>("protection");
  mapping->shared = (cursor->Take<uint32_t>("flags") & kMapShared) != 0;
}

}  // namespace

absl::StatusOr<PerfMapping> ParseMapping(const PerfAttr& attr, const PerfRecord& record) {
  PerfMapping mapping;
  absl::StatusOr<PerfFieldCursor> cursor = FieldsOf(attr, record, &mapping.sample_id);
  if (!cursor.ok()) return cursor.status();
  mapping.pid = cursor->Take<uint32_t>("pid");
  mapping.tid = cursor->Take<uint32_t>("tid");
  mapping.start = cursor->Take<uint64_t>("address");
  // The last of the kernel's own may be told as longer than there are addresses.
  mapping.bytes = std::min(cursor->Take<uint64_t>("length"), std::numeric_limits<uint64_t>::max() - mapping.start);
  mapping.file_offset = cursor->Take<uint64_t>("offset in the file");
  if (record.header.Is(PerfRecordType::kMmap2)) {
    TakeFileOfMapping(&*cursor, (record.header.misc & PerfRecordHeader::kBuildId) != 0, &mapping);
  }
  mapping.data = (record.header.misc & PerfRecordHeader::kMappingIsData) != 0;
  mapping.kernel = (record.header.misc & PerfRecordHeader::kModeMask) == PerfRecordHeader::kModeKernel || mapping.pid == kKernelPid;
  absl::StatusOr<std::string_view> name = TakeName(&*cursor);
  if (!name.ok()) return name.status();
  mapping.name = *name;
  return mapping;
}

absl::StatusOr<PerfComm> ParseComm(const PerfAttr& attr, const PerfRecord& record) {
  PerfComm comm;
  absl::StatusOr<PerfFieldCursor> cursor = FieldsOf(attr, record, &comm.sample_id);
  if (!cursor.ok()) return cursor.status();
  comm.pid = cursor->Take<uint32_t>("pid");
  comm.tid = cursor->Take<uint32_t>("tid");
  comm.exec = (record.header.misc & PerfRecordHeader::kExec) != 0;
  absl::StatusOr<std::string_view> name = TakeName(&*cursor);
  if (!name.ok()) return name.status();
  comm.name = *name;
  return comm;
}

absl::StatusOr<PerfTask> ParseTask(const PerfAttr& attr, const PerfRecord& record) {
  PerfTask task;
  absl::StatusOr<PerfFieldCursor> cursor = FieldsOf(attr, record, &task.sample_id);
  if (!cursor.ok()) return cursor.status();
  task.pid = cursor->Take<uint32_t>("pid");
  task.parent_pid = cursor->Take<uint32_t>("parent's pid");
  task.tid = cursor->Take<uint32_t>("tid");
  task.parent_tid = cursor->Take<uint32_t>("parent's tid");
  task.time_ns = cursor->Take<int64_t>("time");
  if (!cursor->ok()) return cursor->status();
  return task;
}

absl::StatusOr<PerfSwitch> ParseSwitch(const PerfAttr& attr, const PerfRecord& record) {
  PerfSwitch change;
  absl::StatusOr<PerfFieldCursor> cursor = FieldsOf(attr, record, &change.sample_id);
  if (!cursor.ok()) return cursor.status();
  change.out = (record.header.misc & PerfRecordHeader::kSwitchOut) != 0;
  change.preempted = change.out && (record.header.misc & PerfRecordHeader::kPreempted) != 0;
  if (record.header.Is(PerfRecordType::kSwitchCpuWide)) {
    change.other_pid = cursor->Take<uint32_t>("other's pid");
    change.other_tid = cursor->Take<uint32_t>("other's tid");
  }
  if (!cursor->ok()) return cursor->status();
  return change;
}

absl::StatusOr<PerfLost> ParseLost(const PerfAttr& attr, const PerfRecord& record) {
  PerfLost lost;
  absl::StatusOr<PerfFieldCursor> cursor = FieldsOf(attr, record, &lost.sample_id);
  if (!cursor.ok()) return cursor.status();
  lost.samples = record.header.Is(PerfRecordType::kLostSamples);
  lost.id = lost.samples ? lost.sample_id.id : cursor->Take<uint64_t>("id");
  lost.count = cursor->Take<uint64_t>("number of the lost");
  if (!cursor->ok()) return cursor->status();
  return lost;
}

absl::StatusOr<PerfThrottle> ParseThrottle(const PerfAttr& attr, const PerfRecord& record) {
  PerfThrottle throttle;
  absl::StatusOr<PerfFieldCursor> cursor = FieldsOf(attr, record, &throttle.sample_id);
  if (!cursor.ok()) return cursor.status();
  throttle.throttled = record.header.Is(PerfRecordType::kThrottle);
  throttle.time_ns = cursor->Take<int64_t>("time");
  throttle.id = cursor->Take<uint64_t>("id");
  cursor->TakeBytes(8, "stream id");
  if (!cursor->ok()) return cursor->status();
  return throttle;
}

}  // namespace hftmon
