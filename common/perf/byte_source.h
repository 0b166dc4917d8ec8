// ByteSource: bytes of known number at known places, a file's or memory's. One thread.
#ifndef HFTMON_COMMON_PERF_BYTE_SOURCE_H_
#define HFTMON_COMMON_PERF_BYTE_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "absl/status/status.h"

namespace hftmon {

// Not a mapping: a mapped file that somebody cuts while it is read raises a signal.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual uint64_t size() const = 0;
  // Fills `into` from that offset on, or fails: DATA_LOSS where the bytes are not there (any more), else as the system said.
  virtual absl::Status ReadAt(uint64_t offset, std::span<std::byte> into) = 0;
};

// Of memory that outlives it: what came through a pipe.
class MemoryByteSource : public ByteSource {
 public:
  explicit MemoryByteSource(std::span<const std::byte> bytes) : bytes_(bytes) {}
  uint64_t size() const override { return bytes_.size(); }
  absl::Status ReadAt(uint64_t offset, std::span<std::byte> into) override {
    if (offset > bytes_.size() || into.size() > bytes_.size() - offset) return absl::DataLossError("the bytes end before that");
    if (!into.empty()) std::memcpy(into.data(), bytes_.data() + offset, into.size());
    return absl::OkStatus();
  }

 private:
  const std::span<const std::byte> bytes_;
};

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_BYTE_SOURCE_H_
