#include "common/perf/perf_read_values.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/perf/little_endian.h"
#include "common/perf/perf_attr.h"
#include "common/perf/perf_field_cursor.h"

namespace hftmon {

absl::StatusOr<PerfReadValues> PerfReadValues::Parse(uint64_t read_format, std::span<const std::byte> bytes) {
  if ((read_format & ~PerfReadBit::kKnown) != 0) {
    return absl::FailedPreconditionError(
        fmt::format("read_format {:#x} is newer than this reader: update hftmon, or record without it", read_format));
  }
  PerfReadValues values;
  values.has_id_ = (read_format & PerfReadBit::kId) != 0;
  values.has_lost_ = (read_format & PerfReadBit::kLost) != 0;
  values.stride_ = 8 * (1 + size_t{values.has_id_} + size_t{values.has_lost_});
  PerfFieldCursor cursor("a reading", bytes);
  const auto take_times = [&] {
    if ((read_format & PerfReadBit::kEnabled) != 0) values.enabled_ns_ = cursor.Take<uint64_t>("time enabled");
    if ((read_format & PerfReadBit::kRunning) != 0) values.running_ns_ = cursor.Take<uint64_t>("time running");
  };
  if ((read_format & PerfReadBit::kGroup) != 0) {
    const auto count = cursor.Take<uint64_t>("number of values");
    take_times();
    values.values_ = cursor.TakeArray(count, values.stride_, "values of the group");
    values.size_ = values.values_.size() / values.stride_;
  } else {
    // The value stands before the times, its id and lost after them.
    const size_t times = 8 * (size_t{(read_format & PerfReadBit::kEnabled) != 0} + size_t{(read_format & PerfReadBit::kRunning) != 0});
    values.values_ = bytes.first(std::min(bytes.size(), values.stride_ + times));
    cursor.TakeBytes(8, "value");
    take_times();
    cursor.TakeBytes(values.stride_ - 8, "id and lost of the value");
    values.size_ = 1;
    values.tail_at_ = 8 + times;
  }
  if (!cursor.ok()) return cursor.status();
  values.byte_count_ = cursor.at();
  return values;
}

PerfReadValue PerfReadValues::at(size_t i) const {
  size_t at = i * stride_;
  PerfReadValue found{.value = LoadLittleEndian<uint64_t>(values_, at)};
  at += tail_at_;
  if (has_id_) {
    found.id = LoadLittleEndian<uint64_t>(values_, at);
    at += 8;
  }
  if (has_lost_) found.lost = LoadLittleEndian<uint64_t>(values_, at);
  return found;
}

}  // namespace hftmon
