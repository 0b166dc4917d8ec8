// ClockOffsets: CLOCK_MONOTONIC less the run queue's clock of each CPU, as its last record had both. One thread. No allocation after
// construction.
//
// The two drift apart by the slew of CLOCK_MONOTONIC, at most 500 ppm: what is older than kAgeMaxNs (5 ms of drift) is not used.
#ifndef HFTMON_DAEMON_INGEST_CLOCK_OFFSETS_H_
#define HFTMON_DAEMON_INGEST_CLOCK_OFFSETS_H_

#include <cstdint>
#include <optional>
#include <vector>

namespace hftmon {

class ClockOffsets {
 public:
  static constexpr int64_t kAgeMaxNs = 10'000'000'000;

  explicit ClockOffsets(size_t cpu_count) : offsets_(cpu_count) {}

  // The same moment on both.
  void Note(uint16_t cpu, int64_t clock_ns, int64_t mono_ns) {
    if (cpu < offsets_.size() && clock_ns > 0) offsets_[cpu] = {.ns = mono_ns - clock_ns, .mono_ns = mono_ns};
  }
  // Absent where that CPU has no record that is new enough.
  std::optional<int64_t> MonotonicOf(uint16_t cpu, int64_t clock_ns, int64_t now_ns) const {
    if (cpu >= offsets_.size() || offsets_[cpu].mono_ns == 0 || now_ns - offsets_[cpu].mono_ns > kAgeMaxNs) return std::nullopt;
    return clock_ns + offsets_[cpu].ns;
  }

 private:
  struct Offset {
    int64_t ns = 0;
    int64_t mono_ns = 0;  // 0: none yet
  };
  std::vector<Offset> offsets_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_CLOCK_OFFSETS_H_
