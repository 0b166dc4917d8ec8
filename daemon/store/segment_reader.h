// SegmentReader: bytes of segments → buckets and their entries, or the precise reason why not.
//
// Trusts nothing that it reads: whatever the bytes, it returns a status, reads within them, and takes memory for one bucket and a frame.
// Threads: one at a time; no shared state. Used for what was kept elsewhere; queries read the live log through BucketLog's index.
// Errors: INVALID_ARGUMENT (no segment of ours: its size, magic, byte order or version), DATA_LOSS (ours, and damaged), FAILED_PRECONDITION
// (sound, but not the next one of this log). Each message names the segment, what is wrong and what helps.
#ifndef HFTMON_DAEMON_STORE_SEGMENT_READER_H_
#define HFTMON_DAEMON_STORE_SEGMENT_READER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/store/segment_format.h"

namespace hftmon {

// A segment's head, believed.
struct SegmentHead {
  uint64_t log_id = 0;
  uint64_t sequence = 0;
  int64_t begin_mono_ns = 0;
  int64_t end_mono_ns = 0;
  size_t word_count = 0;   // of its payload
  size_t first_frame = 0;  // payload words before the first frame that begins in it; word_count: none does
  bool sealed = false;     // false: it was being filled; `word_count` ends with the last bucket close that its own checksum confirms
};

// Checks size, magic, version and checksum of one segment. Pure.
absl::StatusOr<SegmentHead> VerifySegment(std::span<const std::byte> bytes);

class SegmentReader {
 public:
  // A bucket with its entries, one after the other as delta_entry.h describes; valid during the call.
  using OnBucket = std::function<void(const Bucket&, std::span<const uint64_t> entries)>;
  explicit SegmentReader(OnBucket on_bucket) : on_bucket_(std::move(on_bucket)) {}

  // The next segment of one log; the first one may be any. Delivers the buckets that are whole from it on: entries whose bucket began in an
  // earlier segment, which was not added, are left out with that bucket. After an error nothing more can be added.
  absl::Status Add(std::span<const std::byte> bytes);

  uint64_t skipped_bucket_count() const { return skipped_bucket_count_; }  // whose beginning was not added

 private:
  absl::Status Take(std::span<const uint64_t> payload, const SegmentHead& head);
  absl::Status TakeFrame(std::span<const uint64_t> frame, const SegmentHead& head);
  absl::Status TakeBucketFrame(std::span<const uint64_t> frame, const SegmentHead& head);

  const OnBucket on_bucket_;
  std::optional<SegmentHead> last_;
  std::vector<uint64_t> partial_;  // a frame that goes on in the next segment
  std::vector<uint64_t> entries_;  // of the open bucket
  uint32_t entry_count_ = 0;
  bool bucket_whole_ = false;  // the open bucket's first entry was seen
  uint64_t skipped_bucket_count_ = 0;
  std::optional<int64_t> closed_until_mono_ns_;
  absl::Status status_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STORE_SEGMENT_READER_H_
