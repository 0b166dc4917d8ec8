// Streams of sampled accesses for tests: single ones, random ones, and those of a report's rows.
#ifndef HFTMON_TESTS_COMMON_MEMORY_ACCESS_SHARING_STREAMS_H_
#define HFTMON_TESTS_COMMON_MEMORY_ACCESS_SHARING_STREAMS_H_

#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "common/memory_access/contended_line.h"
#include "common/memory_access/contended_lines.h"
#include "common/memory_access/memory_access.h"

namespace hftmon {

MemoryAccess LoadAt(uint64_t address, uint32_t tid);  // served by L1
MemoryAccess StoreAt(uint64_t address, uint32_t tid);
MemoryAccess HitmAt(uint64_t address, uint32_t tid, std::optional<uint64_t> latency_cycles = std::nullopt);  // of this socket
MemoryAccess RemoteHitmAt(uint64_t address, uint32_t tid, std::optional<uint64_t> latency_cycles = std::nullopt);

// A row of a report on one line: what `threads` threads from `tid` on did there, in turns.
struct StreamRow {
  uint64_t offset = 0;
  uint32_t tid = 0;
  uint32_t threads = 1;
  uint64_t code_address = 0;
  uint64_t remote_hitm = 0;
  uint64_t local_hitm = 0;
  uint64_t store_l1_hits = 0;
  uint64_t store_l1_misses = 0;
  uint64_t remote_hitm_cycles = 0;  // of each
  uint64_t local_hitm_cycles = 0;
  uint64_t other_loads = 0;
};
void AppendRows(uint64_t line, std::span<const StreamRow> rows, std::vector<MemoryAccess>* stream);

// Of all kinds, over that many lines and threads; each has a period and most a latency.
std::vector<MemoryAccess> RandomStream(std::mt19937_64& random, size_t accesses, uint64_t lines, uint32_t threads);

ContendedLineTable TableOf(std::span<const MemoryAccess> stream, LineOrder order = LineOrder::kCycles,
                           const ContendedLineLimits& limits = {});

// Everything that a table says, to compare two.
std::string Described(const ContendedLineTable& table);
std::string Described(const AccessCounts& counts);

}  // namespace hftmon

#endif  // HFTMON_TESTS_COMMON_MEMORY_ACCESS_SHARING_STREAMS_H_
