// The byte format of a segment: a fixed-size piece of a log of words that verifies itself and could stand in a file as it is.
//
//   word 0   magic, "HFTMNSEG" in memory on a little-endian machine
//   word 1   bits 0…15 version, 16…31 words of this head, 32…63 words of a segment
//   word 2   the log: all segments of one log of one run of the daemon have the same
//   word 3   sequence: which segment of its log this is, from 0 on
//   word 4   time span, begin: end of the last bucket that was closed before this segment (the first bucket's begin while
//            there is none, 0 while none was closed at all)
//   word 5   time span, end: end of the last bucket closed in it; as word 4 when there is none
//   word 6   bits 0…31 words of payload, 32…63 words of it before the first frame that begins here (as many as there are: none does)
//   word 7   checksum of words 0…6 and the payload
//   then     payload: a stream of frames that goes on in the next segment; a frame may lie across two of them or more
//
// While a segment is being filled, words 4 to 7 are 0: it is open. Times are CLOCK_MONOTONIC, int64 nanoseconds.
//
// A frame is the entry of a thread (delta_entry.h), or the close of a bucket, which all entries since the close before it belong to:
//   word 0   bits 0…15 0xffff (no slot has this number), 16…31 length in words, 32…63 entries of the bucket
//   word 1,2 begin and end of the bucket
//   word 3,4 for how long after its begin, and its end, slots were still being read: counts of that time may lie on either side
//   word 5   entries that did not fit into it
//   word 6   words of its entries
//   word 7   CloseChecksum of this segment's payload before this word: what makes an open segment readable up to here
//
// Version 2. A reader refuses every other. What changes the meaning of any byte, delta_entry.h included, is a new version.
// Pure functions, any thread.
#ifndef HFTMON_DAEMON_STORE_SEGMENT_FORMAT_H_
#define HFTMON_DAEMON_STORE_SEGMENT_FORMAT_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hftmon {

inline constexpr size_t kSegmentBytes = 64u << 10;
inline constexpr size_t kSegmentWords = kSegmentBytes / 8;
inline constexpr size_t kSegmentHeadWords = 8;
inline constexpr size_t kSegmentPayloadWords = kSegmentWords - kSegmentHeadWords;
inline constexpr uint64_t kSegmentMagic = 0x4745534e4d544648;  // "HFTMNSEG"
inline constexpr uint16_t kSegmentVersion = 2;
inline constexpr uint64_t kSegmentLayout =
    kSegmentVersion | static_cast<uint64_t>(kSegmentHeadWords) << 16 | static_cast<uint64_t>(kSegmentWords) << 32;

inline constexpr uint16_t kBucketFrameMark = 0xffff;
inline constexpr size_t kBucketFrameWords = 8;

// Of one resolution: [begin, end), and where its entries are.
struct Bucket {
  int64_t begin_mono_ns = 0;
  int64_t end_mono_ns = 0;
  int64_t begin_read_ns = 0;  // after its begin, slots were still read for so long
  int64_t end_read_ns = 0;    // and after its end
  uint64_t first_word = 0;    // in the log's stream of payload words
  uint32_t word_count = 0;
  uint32_t entry_count = 0;
  uint64_t dropped_count = 0;  // entries that did not fit into it
};

// Checksum, one word at a time: a change of any single word changes it for certain, any other damage with all but 2^-64. Four instructions
// that wait for nothing else.
inline constexpr uint64_t kChecksumSeed = 0x9ae16a3b2f90404f;
constexpr uint64_t ChecksumWith(uint64_t checksum, uint64_t word) {
  return std::rotl(checksum ^ word, 29) * 0x9e3779b97f4a7c15;
}
// What a bucket's close carries. Not the checksum itself: taken in as the next word, that would leave 0, whatever stood before it.
constexpr uint64_t CloseChecksum(uint64_t checksum) {
  return ChecksumWith(checksum, kBucketFrameMark);
}
// Of a whole segment: that of its payload, then the head's words before the last.
constexpr uint64_t SegmentChecksum(uint64_t payload_checksum, std::span<const uint64_t, kSegmentHeadWords> head) {
  for (size_t i = 0; i + 1 < kSegmentHeadWords; ++i) payload_checksum = ChecksumWith(payload_checksum, head[i]);
  return payload_checksum;
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STORE_SEGMENT_FORMAT_H_
