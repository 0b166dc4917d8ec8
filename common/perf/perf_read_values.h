// PerfReadValues: counters' values as the kernel writes them, in a READ record, into samples with PERF_SAMPLE_READ and to who reads the
// descriptor: one event's, or its whole group's. A view into those bytes; they outlive it. Any thread.
#ifndef HFTMON_COMMON_PERF_PERF_READ_VALUES_H_
#define HFTMON_COMMON_PERF_PERF_READ_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "absl/status/statusor.h"

namespace hftmon {

struct PerfReadValue {
  uint64_t value = 0;  // raw: not scaled for the time that it did not count
  std::optional<uint64_t> id;
  std::optional<uint64_t> lost;  // samples that found no room
};

class PerfReadValues {
 public:
  // Takes what it needs of `bytes`; the rest is the caller's. No allocation when OK. DATA_LOSS: they end before the values do.
  // FAILED_PRECONDITION: bits of read_format that are not known here.
  static absl::StatusOr<PerfReadValues> Parse(uint64_t read_format, std::span<const std::byte> bytes);

  size_t size() const { return size_; }
  // Requires: i < size().
  PerfReadValue at(size_t i) const;
  std::optional<uint64_t> enabled_ns() const { return enabled_ns_; }
  std::optional<uint64_t> running_ns() const { return running_ns_; }  // below enabled_ns: the event shared its counter and is multiplexed
  size_t byte_count() const { return byte_count_; }                   // of all of it

 private:
  std::span<const std::byte> values_;
  size_t size_ = 0;
  size_t stride_ = 8;
  size_t tail_at_ = 8;  // of id and lost, from the value on: a single event's stand behind the times
  bool has_id_ = false;
  bool has_lost_ = false;
  std::optional<uint64_t> enabled_ns_;
  std::optional<uint64_t> running_ns_;
  size_t byte_count_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_PERF_READ_VALUES_H_
