// What is wrong with what a program wrote into its marker file, by reason, and how often. Passive data.
#ifndef HFTMON_DAEMON_MARKERS_MARKER_FAULTS_H_
#define HFTMON_DAEMON_MARKERS_MARKER_FAULTS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string_view>

namespace hftmon {

enum class MarkerFault : uint8_t {
  kSequence,       // a published record whose sequence is another's
  kKind,           // no kind that there is
  kStatus,         // no status that there is, or an error of what is no end
  kOperation,      // beyond the operations that have a name
  kThread,         // no tid
  kTimeBackwards,  // before the record before it
  kTimeFuture,     // after it was read
  kIndex,          // a ring's index that fell, or ran further than the ring is long (of an index, not of a record)
  kName,           // an operation's name whose length is none (of a name, not of a record)
};
inline constexpr size_t kMarkerFaults = 9;

constexpr std::string_view MarkerFaultName(MarkerFault fault) {
  constexpr std::array<std::string_view, kMarkerFaults> kNames = {"sequence",       "kind",        "status", "operation", "thread",
                                                                  "time_backwards", "time_future", "index",  "name"};
  return kNames[static_cast<size_t>(fault)];
}

struct MarkerFaultCounts {
  void Add(MarkerFault fault, uint64_t count = 1) { counts[static_cast<size_t>(fault)] += count; }
  uint64_t operator[](MarkerFault fault) const { return counts[static_cast<size_t>(fault)]; }
  // Records that were refused: those of indices and names are none.
  uint64_t record_count() const {
    return std::accumulate(counts.begin(), counts.begin() + static_cast<size_t>(MarkerFault::kIndex), uint64_t{0});
  }
  std::array<uint64_t, kMarkerFaults> counts{};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_MARKERS_MARKER_FAULTS_H_
