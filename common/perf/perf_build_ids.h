// PerfBuildIds: which build of each file a recording met, by the file's name: BUILD_ID of a perf.data file's features, and the records of
// the same form in one from a pipe. perf notes them when the recording ends, and of files alone that samples fell into. One thread.
//
// Layout of an entry, little-endian: u32 type (0 or 67), u16 misc, u16 size with this header, i32 pid (-1), 20 bytes of build id filled up
// with NULs, u8 its length (where bit 15 of misc is set, else the filling is all that tells it), 3 bytes, the name up to a NUL.
#ifndef HFTMON_COMMON_PERF_PERF_BUILD_IDS_H_
#define HFTMON_COMMON_PERF_PERF_BUILD_IDS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/status/status.h"

namespace hftmon {

class PerfBuildIds {
 public:
  // Entries one behind another. DATA_LOSS: one of them ends too early. RESOURCE_EXHAUSTED: more than a recording has (kNamesMax,
  // kNameBytesMax). What stands before the fault is kept.
  absl::Status AddFeature(std::span<const std::byte> payload);
  // One entry, beyond its header.
  absl::Status AddEntry(uint16_t misc, std::span<const std::byte> body);

  // Bytes, at most 20; NULs at its end may be filling. No value: none is recorded of that name. Empty: several that differ, so which of
  // them a mapping was of is not known (processes that see different files under one name). Valid until the next Add.
  std::optional<std::string_view> Find(std::string_view name) const;
  size_t size() const { return ids_.size(); }

  static constexpr size_t kNamesMax = 65'536;
  static constexpr size_t kNameBytesMax = size_t{16} << 20;  // of all

 private:
  std::unordered_map<std::string, std::string> ids_;
  size_t name_bytes_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_PERF_BUILD_IDS_H_
