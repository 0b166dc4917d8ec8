// PartSink: where a recorder puts the parts of a recording, one after the other: a file, or memory.
//
// Threads: Put by any.
#ifndef HFTMON_CLIENT_CLI_RECORD_PART_SINK_H_
#define HFTMON_CLIENT_CLI_RECORD_PART_SINK_H_

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "client/recording/recording_format.h"

namespace hftmon {

class PartSink {
 public:
  using WriteBytes = std::function<absl::Status(std::string_view bytes)>;

  // `write`: by one thread at a time.
  explicit PartSink(WriteBytes write) : write_(std::move(write)) {}

  // The first call writes the magic before the part. An error stays: nothing more is written.
  absl::Status Put(const v1::RecordingPart& part) {
    const std::lock_guard lock(mutex_);
    if (!status_.ok()) return status_;
    bytes_.assign(written_ == 0 ? kRecordingMagic : std::string_view());
    AppendRecordingPart(part, &bytes_);
    written_ += bytes_.size();
    return status_ = write_(bytes_);
  }
  size_t written_bytes() const {
    const std::lock_guard lock(mutex_);
    return written_;
  }

 private:
  const WriteBytes write_;
  mutable std::mutex mutex_;
  absl::Status status_;
  std::string bytes_;
  size_t written_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RECORD_PART_SINK_H_
