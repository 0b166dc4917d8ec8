// PerfRingMemory: the seam to the memory that the kernel shares with whoever opened a perf event: its control page and its records, and
// what some hardware writes by itself (AUX).
//
// Any thread. Whoever mapped it unmaps it. The pages are locked: they count against kernel.perf_event_mlock_kb and RLIMIT_MEMLOCK.
#ifndef HFTMON_DAEMON_OS_PERF_RING_MEMORY_H_
#define HFTMON_DAEMON_OS_PERF_RING_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace hftmon {

struct PerfRingMapping {
  std::span<std::byte> memory;  // begins at a page; empty: refused
  int error = 0;                // errno of a refusal
};

class PerfRingMemory {
 public:
  virtual ~PerfRingMemory() = default;
  virtual size_t page_bytes() const = 0;
  // Readable and writable: the kernel then never overwrites what was not read. `bytes` are a page and a power of two of pages.
  virtual PerfRingMapping Map(int descriptor, size_t bytes) = 0;
  // The AUX memory of an event whose ring is mapped, where that ring's control page asks for it (PerfAuxRing::Ask); else as Map. To be
  // unmapped before the ring.
  virtual PerfRingMapping MapAux(int descriptor, uint64_t offset, size_t bytes) = 0;
  virtual void Unmap(std::span<std::byte> memory) = 0;
};

class SystemPerfRingMemory final : public PerfRingMemory {
 public:
  size_t page_bytes() const override;
  PerfRingMapping Map(int descriptor, size_t bytes) override;
  PerfRingMapping MapAux(int descriptor, uint64_t offset, size_t bytes) override;
  void Unmap(std::span<std::byte> memory) override;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_PERF_RING_MEMORY_H_
