#include "daemon/store/segment_reader.h"

#include <fmt/format.h>

#include <array>
#include <cstring>

#include "daemon/store/delta_entry.h"

namespace hftmon {
namespace {

constexpr size_t kLayoutWord = 1;
constexpr size_t kSizesWord = 6;
constexpr size_t kChecksumWord = kSegmentHeadWords - 1;

uint64_t WordAt(std::span<const std::byte> bytes, size_t index) {
  uint64_t word;
  std::memcpy(&word, bytes.data() + index * 8, 8);
  return word;
}

uint64_t ByteSwapped(uint64_t word) {
  return __builtin_bswap64(word);
}

size_t FrameWords(uint64_t first_word) {
  return static_cast<uint16_t>(first_word >> 16);
}

bool IsBucketFrame(uint64_t first_word) {
  return static_cast<uint16_t>(first_word) == kBucketFrameMark;
}

absl::Status CheckLayout(std::span<const std::byte> bytes) {
  if (bytes.size() != kSegmentBytes) {
    return absl::InvalidArgumentError(
        fmt::format("segment: {} bytes, {} expected: it was cut off, or it is no segment", bytes.size(), kSegmentBytes));
  }
  const uint64_t magic = WordAt(bytes, 0);
  if (magic == ByteSwapped(kSegmentMagic)) {
    return absl::InvalidArgumentError("segment: written on a machine of the other byte order: read it there");
  }
  if (magic != kSegmentMagic) return absl::InvalidArgumentError("segment: its first bytes are not HFTMNSEG: it is no segment of hftmond's");
  const uint64_t layout = WordAt(bytes, kLayoutWord);
  const auto version = static_cast<uint16_t>(layout);
  if (version != kSegmentVersion) {
    return absl::InvalidArgumentError(
        fmt::format("segment: format version {}, this build reads {}: use the hftmon that wrote it", version, kSegmentVersion));
  }
  if (layout != kSegmentLayout) {
    return absl::DataLossError(fmt::format("segment: a head of {} words and {} words in all, version {} has {} and {}: it is damaged",
                                           static_cast<uint16_t>(layout >> 16), layout >> 32, version, kSegmentHeadWords, kSegmentWords));
  }
  return absl::OkStatus();
}

// The payload of an open segment up to its last bucket close whose checksum is right; nothing confirms what stands behind it.
size_t ConfirmedWords(std::span<const std::byte> bytes) {
  size_t confirmed = 0;
  uint64_t checksum = kChecksumSeed;
  // Where frames begin is not known in an open segment: every word that looks like a close is tried.
  for (size_t i = 0; i < kSegmentPayloadWords; ++i) {
    const uint64_t word = WordAt(bytes, kSegmentHeadWords + i);
    if (word == CloseChecksum(checksum)) confirmed = i + 1;
    checksum = ChecksumWith(checksum, word);
  }
  return confirmed;
}

}  // namespace

absl::StatusOr<SegmentHead> VerifySegment(std::span<const std::byte> bytes) {
  if (absl::Status status = CheckLayout(bytes); !status.ok()) return status;
  std::array<uint64_t, kSegmentHeadWords> words;
  for (size_t i = 0; i < words.size(); ++i) words[i] = WordAt(bytes, i);
  SegmentHead head;
  head.log_id = words[2];
  head.sequence = words[3];
  head.begin_mono_ns = static_cast<int64_t>(words[4]);
  head.end_mono_ns = static_cast<int64_t>(words[5]);
  head.word_count = static_cast<uint32_t>(words[kSizesWord]);
  head.first_frame = words[kSizesWord] >> 32;
  head.sealed = words[kSizesWord] != 0 || words[kChecksumWord] != 0;
  if (!head.sealed) {
    head.word_count = ConfirmedWords(bytes);
    head.first_frame = head.word_count;
    return head;
  }
  if (head.word_count > kSegmentPayloadWords || head.first_frame > head.word_count) {
    return absl::DataLossError(fmt::format("segment {}: {} words of payload, the first frame at {}, room for {}: its head is damaged",
                                           head.sequence, head.word_count, head.first_frame, kSegmentPayloadWords));
  }
  uint64_t checksum = kChecksumSeed;
  for (size_t i = 0; i < head.word_count; ++i) checksum = ChecksumWith(checksum, WordAt(bytes, kSegmentHeadWords + i));
  checksum = SegmentChecksum(checksum, words);
  if (checksum != words[kChecksumWord]) {
    return absl::DataLossError(fmt::format("segment {}: its checksum is {:016x}, its bytes have {:016x}: it is damaged", head.sequence,
                                           words[kChecksumWord], checksum));
  }
  return head;
}

absl::Status SegmentReader::Add(std::span<const std::byte> bytes) {
  if (!status_.ok()) return status_;
  absl::StatusOr<SegmentHead> head = VerifySegment(bytes);
  if (!head.ok()) return status_ = head.status();
  if (last_ && (last_->log_id != head->log_id || last_->sequence + 1 != head->sequence || !last_->sealed)) {
    return status_ = absl::FailedPreconditionError(
               fmt::format("segment {} of log {:x}: it does not follow segment {}{} of log {:x}: begin a new reader with it",
                           head->sequence, head->log_id, last_->sequence, last_->sealed ? "" : ", which was never sealed,", last_->log_id));
  }
  std::vector<uint64_t> payload(head->word_count);
  if (!payload.empty()) std::memcpy(payload.data(), bytes.data() + kSegmentHeadWords * 8, payload.size() * 8);
  if (!last_) {
    bucket_whole_ = head->sequence == 0;
    // Without the segment before it, an open one does not say where its frames begin.
    if (head->sealed || head->sequence == 0) {
      const size_t first = head->sequence == 0 ? 0 : head->first_frame;
      payload.erase(payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(first));
    } else {
      payload.clear();
    }
  }
  last_ = *head;
  return status_ = Take(payload, *head);
}

absl::Status SegmentReader::Take(std::span<const uint64_t> payload, const SegmentHead& head) {
  while (!payload.empty()) {
    if (partial_.empty()) {
      const size_t frame_words = FrameWords(payload[0]);
      if (frame_words < kEntryHeadWords || frame_words > kEntryWordsMax) {
        return absl::DataLossError(fmt::format("segment {}: a frame of {} words: it is damaged", head.sequence, frame_words));
      }
      if (frame_words <= payload.size()) {
        if (absl::Status status = TakeFrame(payload.first(frame_words), head); !status.ok()) return status;
        payload = payload.subspan(frame_words);
        continue;
      }
    }
    // It goes on in the next segment, or it came from the last one.
    const size_t missing = partial_.empty() ? payload.size() : FrameWords(partial_[0]) - partial_.size();
    const size_t taken = std::min(missing, payload.size());
    partial_.insert(partial_.end(), payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(taken));
    payload = payload.subspan(taken);
    if (partial_.size() < FrameWords(partial_[0])) continue;
    const std::vector<uint64_t> frame = std::move(partial_);
    partial_.clear();
    if (absl::Status status = TakeFrame(frame, head); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status SegmentReader::TakeFrame(std::span<const uint64_t> frame, const SegmentHead& head) {
  if (IsBucketFrame(frame[0])) return TakeBucketFrame(frame, head);
  ThreadWindow decoded;
  if (!AddEntry(frame.data(), &decoded)) {
    return absl::DataLossError(
        fmt::format("segment {}: an entry of {} words is not as it was written: it is damaged", head.sequence, frame.size()));
  }
  entries_.insert(entries_.end(), frame.begin(), frame.end());
  ++entry_count_;
  return absl::OkStatus();
}

absl::Status SegmentReader::TakeBucketFrame(std::span<const uint64_t> frame, const SegmentHead& head) {
  const auto damaged = [&head](const std::string& what) {
    return absl::DataLossError(fmt::format("segment {}: a bucket {}: it is damaged", head.sequence, what));
  };
  if (frame.size() != kBucketFrameWords)
    return damaged(fmt::format("is closed with {} words, {} expected", frame.size(), kBucketFrameWords));
  Bucket bucket;
  bucket.entry_count = static_cast<uint32_t>(frame[0] >> 32);
  bucket.begin_mono_ns = static_cast<int64_t>(frame[1]);
  bucket.end_mono_ns = static_cast<int64_t>(frame[2]);
  bucket.begin_read_ns = static_cast<int64_t>(frame[3]);
  bucket.end_read_ns = static_cast<int64_t>(frame[4]);
  bucket.dropped_count = frame[5];
  bucket.word_count = static_cast<uint32_t>(frame[6]);
  if (bucket.end_mono_ns <= bucket.begin_mono_ns) return damaged("ends before it begins");
  if (closed_until_mono_ns_ && bucket.begin_mono_ns != *closed_until_mono_ns_) return damaged("does not begin where the one before ended");
  if (bucket_whole_ && (bucket.entry_count != entry_count_ || bucket.word_count != entries_.size())) {
    return damaged(fmt::format("has {} entries in {} words, its close says {} in {}", entry_count_, entries_.size(), bucket.entry_count,
                               bucket.word_count));
  }
  if (bucket_whole_) {
    on_bucket_(bucket, entries_);
  } else {
    ++skipped_bucket_count_;
  }
  closed_until_mono_ns_ = bucket.end_mono_ns;
  bucket_whole_ = true;
  entries_.clear();
  entry_count_ = 0;
  return absl::OkStatus();
}

}  // namespace hftmon
