// ZstdStream: unpacks one zstd stream, piece by piece. One thread. In a build without the library there is none.
#ifndef HFTMON_COMMON_PERF_ZSTD_STREAM_H_
#define HFTMON_COMMON_PERF_ZSTD_STREAM_H_

#include <cstddef>
#include <memory>
#include <span>

#include "absl/status/statusor.h"

namespace hftmon {

class ZstdStream {
 public:
  // FAILED_PRECONDITION: built without zstd. RESOURCE_EXHAUSTED: no memory.
  static absl::StatusOr<std::unique_ptr<ZstdStream>> Create();
  virtual ~ZstdStream() = default;

  // Takes from the front of *packed and fills `into` from its front; how many bytes it filled. Fewer than there is room for: all that was
  // packed is taken. DATA_LOSS: it is no zstd stream, or one that wants more than 128 MiB of memory.
  virtual absl::StatusOr<size_t> Unpack(std::span<const std::byte>* packed, std::span<std::byte> into) = 0;
};

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_ZSTD_STREAM_H_
