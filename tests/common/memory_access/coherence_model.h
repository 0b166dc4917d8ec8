// CoherenceModel: what a machine with a cache for each thread, kept coherent by lines, would answer to accesses in their order. For tests
// that ask whether an advice, followed, takes the contention away. A thread has its own core; caches never run out of room.
#ifndef HFTMON_TESTS_COMMON_MEMORY_ACCESS_COHERENCE_MODEL_H_
#define HFTMON_TESTS_COMMON_MEMORY_ACCESS_COHERENCE_MODEL_H_

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <vector>

#include "common/memory_access/memory_access.h"

namespace hftmon {

// One step of a thread's loop.
struct ModelStep {
  uint32_t tid = 0;
  uint64_t address = 0;
  bool store = false;
};

class CoherenceModel {
 public:
  explicit CoherenceModel(uint64_t line_bytes = 64) : line_bytes_(line_bytes) {}

  MemoryAccess Run(const ModelStep& step);

 private:
  struct Line {
    std::set<uint32_t> holders;
    bool modified = false;  // by its only holder
  };

  uint64_t line_bytes_;
  std::map<uint64_t, Line> lines_;
};

// The threads' loops, turn by turn, that often.
std::vector<MemoryAccess> RunModel(std::span<const ModelStep> steps, int rounds);

}  // namespace hftmon

#endif  // HFTMON_TESTS_COMMON_MEMORY_ACCESS_COHERENCE_MODEL_H_
