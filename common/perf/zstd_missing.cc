#include "common/perf/zstd_stream.h"

namespace hftmon {

absl::StatusOr<std::unique_ptr<ZstdStream>> ZstdStream::Create() {
  return absl::FailedPreconditionError(
      "the recording is compressed, and this hftmon was built without zstd: build it where libzstd-dev is installed, or record without -z");
}

}  // namespace hftmon
