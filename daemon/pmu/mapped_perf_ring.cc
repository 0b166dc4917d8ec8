#include "daemon/pmu/mapped_perf_ring.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace hftmon {

absl::StatusOr<MappedPerfRing> MappedPerfRing::Map(PerfRingMemory& memory, int descriptor, size_t pages, std::string_view what) {
  const size_t page_bytes = memory.page_bytes();
  const size_t bytes = (1 + pages) * page_bytes;
  const std::string whole = fmt::format("the ring of {}, {} bytes", what, bytes);
  const PerfRingMapping mapping = memory.Map(descriptor, bytes);
  if (mapping.memory.empty()) {
    const std::string why = fmt::format("{}: {}", whole, std::strerror(mapping.error));
    if (mapping.error != EPERM && mapping.error != ENOMEM && mapping.error != EAGAIN) return absl::FailedPreconditionError(why);
    return absl::ResourceExhaustedError(fmt::format(
        "{}: as much memory may not be locked: give hftmond CAP_IPC_LOCK, raise sysctl kernel.perf_event_mlock_kb, or ask for a lower rate",
        why));
  }
  absl::StatusOr<PerfRing> ring = PerfRing::Over(mapping.memory, page_bytes);
  if (ring.ok()) return MappedPerfRing(memory, mapping.memory, *std::move(ring));
  memory.Unmap(mapping.memory);
  return absl::Status(ring.status().code(), fmt::format("{}: {}", whole, std::string(ring.status().message())));
}

}  // namespace hftmon
