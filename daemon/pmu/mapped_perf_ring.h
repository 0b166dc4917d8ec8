// MappedPerfRing: the ring of one perf event, mapped, and unmapped at the end.
//
// One thread at a time; `memory` outlives it, and the event's descriptor is closed after it. Costs no interrupt; the pages are locked.
#ifndef HFTMON_DAEMON_PMU_MAPPED_PERF_RING_H_
#define HFTMON_DAEMON_PMU_MAPPED_PERF_RING_H_

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "daemon/os/perf_ring.h"
#include "daemon/os/perf_ring_memory.h"

namespace hftmon {

class MappedPerfRing {
 public:
  // `pages` are a power of two; `what` for messages: "cycles of thread 17". RESOURCE_EXHAUSTED: so much memory may not be locked.
  // FAILED_PRECONDITION: the kernel gives the event no ring, or one that is not understood.
  static absl::StatusOr<MappedPerfRing> Map(PerfRingMemory& memory, int descriptor, size_t pages, std::string_view what);
  MappedPerfRing(MappedPerfRing&& other) noexcept
      : memory_(other.memory_), mapped_(std::exchange(other.mapped_, {})), ring_(std::move(other.ring_)) {}
  MappedPerfRing& operator=(MappedPerfRing&&) = delete;
  ~MappedPerfRing() {
    if (!mapped_.empty()) memory_->Unmap(mapped_);
  }

  PerfRing& ring() { return ring_; }
  const PerfRing& ring() const { return ring_; }
  size_t bytes() const { return mapped_.size(); }

 private:
  MappedPerfRing(PerfRingMemory& memory, std::span<std::byte> mapped, PerfRing ring)
      : memory_(&memory), mapped_(mapped), ring_(std::move(ring)) {}

  PerfRingMemory* memory_;
  std::span<std::byte> mapped_;
  PerfRing ring_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_MAPPED_PERF_RING_H_
