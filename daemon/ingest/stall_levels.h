// StallLevels: the durations at which somebody wants to be told of a stall that goes on: the thresholds of all targets and subscribers.
//
// Threads: Set by one at a time; NextAbove by any, without lock, allocation or system call. A reading beside a Set may see some of the old
// and some of the new: a stall may then be told once more or once less than asked.
// Bounds: kLevelsMax levels. Of more, evenly chosen ones are kept, the largest always: who asked for one that was left out is told at the
// next one above it.
#ifndef HFTMON_DAEMON_INGEST_STALL_LEVELS_H_
#define HFTMON_DAEMON_INGEST_STALL_LEVELS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hftmon {

class StallLevels {
 public:
  static constexpr size_t kLevelsMax = 128;
  static constexpr int64_t kNone = INT64_MAX;

  // Ascending, in nanoseconds.
  void Set(std::span<const int64_t> levels_ns) {
    const size_t count = levels_ns.size() < kLevelsMax ? levels_ns.size() : kLevelsMax;
    for (size_t i = 0; i < count; ++i) {
      const size_t from = count == levels_ns.size() ? i : (i + 1) * levels_ns.size() / count - 1;
      levels_ns_[i].store(levels_ns[from], std::memory_order_relaxed);
    }
    count_.store(count, std::memory_order_release);
  }

  // The smallest level above `duration_ns`; kNone when there is none.
  int64_t NextAbove(int64_t duration_ns) const {
    int64_t next_ns = kNone;
    const size_t count = count_.load(std::memory_order_acquire);
    for (size_t i = 0; i < count; ++i) {
      const int64_t level_ns = levels_ns_[i].load(std::memory_order_relaxed);
      if (level_ns > duration_ns && level_ns < next_ns) next_ns = level_ns;
    }
    return next_ns;
  }

 private:
  std::array<std::atomic<int64_t>, kLevelsMax> levels_ns_{};
  std::atomic<size_t> count_{0};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_STALL_LEVELS_H_
