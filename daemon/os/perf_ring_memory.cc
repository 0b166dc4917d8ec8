#include "daemon/os/perf_ring_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

namespace hftmon {
namespace {

PerfRingMapping MapAt(int descriptor, uint64_t offset, size_t bytes) {
  void* const begin = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, static_cast<off_t>(offset));
  if (begin == MAP_FAILED) return {.memory = {}, .error = errno};
  return {.memory = {static_cast<std::byte*>(begin), bytes}, .error = 0};
}

}  // namespace

size_t SystemPerfRingMemory::page_bytes() const {
  return static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

PerfRingMapping SystemPerfRingMemory::Map(int descriptor, size_t bytes) {
  return MapAt(descriptor, 0, bytes);
}

PerfRingMapping SystemPerfRingMemory::MapAux(int descriptor, uint64_t offset, size_t bytes) {
  return MapAt(descriptor, offset, bytes);
}

void SystemPerfRingMemory::Unmap(std::span<std::byte> memory) {
  ::munmap(memory.data(), memory.size());
}

}  // namespace hftmon
