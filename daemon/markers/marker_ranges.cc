#include "daemon/markers/marker_ranges.h"

#include <unistd.h>

#include <atomic>
#include <cstring>
#include <string_view>

#include "daemon/markers/marker_display_name.h"

namespace hftmon {

MarkerRanges CheckMarkerRanges(std::span<const hft_marker_range> first, std::span<const hft_marker_range> second) {
  MarkerRanges told;
  for (size_t i = 0; i < first.size(); ++i) {
    const hft_marker_range& range = second[i];
    if (range.sequence % 2 != 0 || std::memcmp(&first[i], &range, sizeof(range)) != 0) {
      ++told.unfinished_count;
      continue;
    }
    if (range.bytes == 0) continue;
    const bool named = range.name_bytes >= 1 && range.name_bytes <= HFT_MARKER_NAME_BYTES;
    if (!named || hft_marker_range_holds(range.address, range.bytes) == 0) {
      ++told.refused_count;
      continue;
    }
    told.ranges.push_back(
        {.address = range.address, .bytes = range.bytes, .name = MarkerDisplayName(std::string_view(range.name, range.name_bytes))});
  }
  return told;
}

absl::StatusOr<MarkerRanges> ReadMarkerRanges(const OpenMarkerFile& file) {
  const hft_marker_header& header = file.header;
  std::vector<hft_marker_range> before(header.range_max);
  std::vector<hft_marker_range> after(header.range_max);
  const uint64_t at = hft_marker_ranges_at(header.operation_max, header.thread_max, header.record_max);
  const auto bytes = static_cast<ssize_t>(before.size() * sizeof(hft_marker_range));
  MarkerRanges told;
  if (bytes == 0) return told;
  for (int copy = 0; copy < kMarkerRangeCopiesMax; ++copy) {
    before.swap(after);
    if (pread(file.fd, after.data(), static_cast<size_t>(bytes), static_cast<off_t>(at)) != bytes) {
      return absl::DataLossError("its marker file cannot be read to its end: its owner changed it");
    }
    // Keeps each copy behind the one before it; pairs with the program's release of each sequence.
    std::atomic_thread_fence(std::memory_order_acquire);
    if (copy == 0) continue;
    told = CheckMarkerRanges(before, after);
    if (told.unfinished_count == 0) break;
  }
  return told;
}

}  // namespace hftmon
