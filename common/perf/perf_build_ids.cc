#include "common/perf/perf_build_ids.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/perf/perf_field_cursor.h"
#include "common/perf/perf_record.h"
#include "common/perf/perf_task_records.h"

namespace hftmon {
namespace {

constexpr size_t kBuildIdBytesMax = 20;
constexpr uint16_t kLengthIsTold = 1u << 15;  // of misc

std::string_view TextOf(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

absl::Status PerfBuildIds::AddFeature(std::span<const std::byte> payload) {
  PerfFieldCursor cursor("BUILD_ID", payload);
  while (cursor.ok() && cursor.left() > 0) {
    cursor.Take<uint32_t>("type");
    const auto misc = cursor.Take<uint16_t>("misc");
    const auto size = cursor.Take<uint16_t>("size");
    if (cursor.ok() && size < PerfRecordHeader::kBytes) {
      return absl::DataLossError(fmt::format("BUILD_ID has an entry of {} bytes, which is less than its header", size));
    }
    const std::span<const std::byte> body = cursor.TakeBytes(size - PerfRecordHeader::kBytes, "entry");
    if (!cursor.ok()) break;
    if (absl::Status added = AddEntry(misc, body); !added.ok()) return added;
  }
  return cursor.status();
}

absl::Status PerfBuildIds::AddEntry(uint16_t misc, std::span<const std::byte> body) {
  PerfFieldCursor cursor("BUILD_ID", body);
  cursor.Take<uint32_t>("pid");
  const std::span<const std::byte> filled = cursor.TakeBytes(kBuildIdBytesMax, "build id");
  const auto length = cursor.Take<uint8_t>("length of the build id");
  cursor.TakeBytes(3, "reserve");
  if (!cursor.ok()) return cursor.status();
  const uint16_t mode = misc & PerfRecordHeader::kModeMask;
  if (mode != PerfRecordHeader::kModeKernel && mode != PerfRecordHeader::kModeUser)
    return absl::OkStatus();  // a guest's: its names are not this host's
  const std::string_view rest = TextOf(cursor.rest());
  const std::string_view name = rest.substr(0, rest.find('\0'));
  if (name.size() > kPerfNameBytesMax) return absl::DataLossError("BUILD_ID has a name that is longer than any");
  const bool told = (misc & kLengthIsTold) != 0;
  const std::string_view id = TextOf(filled.first(told ? std::min<size_t>(length, filled.size()) : filled.size()));
  if (name.empty() || id.find_first_not_of('\0') == std::string_view::npos) return absl::OkStatus();
  const auto known = ids_.find(std::string(name));
  if (known != ids_.end()) {
    if (known->second != id) known->second.clear();
    return absl::OkStatus();
  }
  if (ids_.size() >= kNamesMax || name.size() > kNameBytesMax - name_bytes_) {
    return absl::ResourceExhaustedError(
        fmt::format("build ids of more files than are kept ({}, with {} bytes of names)", kNamesMax, kNameBytesMax));
  }
  name_bytes_ += name.size();
  ids_.emplace(name, id);
  return absl::OkStatus();
}

std::optional<std::string_view> PerfBuildIds::Find(std::string_view name) const {
  const auto found = ids_.find(std::string(name));
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

}  // namespace hftmon
