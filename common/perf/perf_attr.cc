#include "common/perf/perf_attr.h"

#include <fmt/format.h>

#include "common/perf/little_endian.h"

namespace hftmon {

absl::StatusOr<PerfAttr> ParsePerfAttr(std::span<const std::byte> bytes) {
  if (bytes.size() < PerfAttr::kSizeMin) {
    return absl::InvalidArgumentError(
        fmt::format("an event's attr has {} bytes, and the shortest ever was {}", bytes.size(), PerfAttr::kSizeMin));
  }
  PerfAttr attr;
  attr.size = LoadLittleEndian<uint32_t>(bytes, 4);
  if (attr.size < PerfAttr::kSizeMin || attr.size > bytes.size()) {
    return absl::InvalidArgumentError(fmt::format("an event's attr says that it has {} bytes: there are {}, and the shortest ever was {}",
                                                  attr.size, bytes.size(), PerfAttr::kSizeMin));
  }
  const std::span<const std::byte> known = bytes.first(attr.size);
  const auto load = [&]<typename T>(size_t at, T* into) {
    if (at + sizeof(T) <= known.size()) *into = LoadLittleEndian<T>(known, at);
  };
  load(0, &attr.type);
  load(8, &attr.config);
  load(16, &attr.period_or_frequency);
  load(24, &attr.sample_type);
  load(32, &attr.read_format);
  load(40, &attr.flags);
  load(52, &attr.breakpoint_type);
  load(56, &attr.config1);
  load(64, &attr.config2);
  load(72, &attr.branch_sample_type);
  load(80, &attr.user_registers);
  load(88, &attr.user_stack_bytes);
  load(92, &attr.clock_id);
  load(96, &attr.interrupt_registers);
  load(128, &attr.config3);
  return attr;
}

}  // namespace hftmon
