// The byte format of one thread's delta in a bucket log: a head of three words, then only what is not zero.
//
//   word 0   bits 0…15 slot, 16…31 length in words (head included), 32…63 words back to the slot's previous entry of the same coarser
//            bucket (0: none)
//   word 1   tid, tgid in the upper half
//   word 2   the thread's start time
//   then     u16 mask of the scalars, a varint for each that is there; u8 mask and varints of the kinds; u32 mask and varints of the
//            depths; for each of the two histograms, for each of its buckets that has a count, a varint of twice
//            the step from the one before (the first is a step from -1), plus 1 when its count is not 1, and then a varint of the count; a
//            0 ends it.
// The last word is filled up with zeros. Varints are LEB128. Part of the segments' format: a change is a new version (segment_format.h).
//
// Pure functions, any thread, no allocation.
#ifndef HFTMON_DAEMON_STORE_DELTA_ENTRY_H_
#define HFTMON_DAEMON_STORE_DELTA_ENTRY_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "daemon/ingest/interval.h"
#include "daemon/store/thread_window.h"

namespace hftmon {

inline constexpr size_t kEntryHeadWords = 3;
inline constexpr size_t kEntryScalars = 11 + HFT_LEVELS;
// Every figure at its longest: the scalars, 8 kinds, 32 depths and two full histograms as ten-byte varints, with their masks and gaps.
inline constexpr size_t kEntryWordsMax =
    kEntryHeadWords +
    (2 + kEntryScalars * 10 + 1 + HFT_SWITCH_KINDS * 10 + 4 + HFT_DEPTH_BUCKETS * 10 + 2 * (1 + HFT_HISTOGRAM_BUCKETS * (2 + 10)) + 7) / 8;
static_assert(kEntryWordsMax < (1u << 16), "the length of an entry has 16 bits");

using EntryWords = std::array<uint64_t, kEntryWordsMax>;

struct EntryHead {
  uint16_t slot = 0;
  uint16_t word_count = 0;
  uint32_t back_words = 0;
  ThreadKey thread;
};

inline EntryHead ReadEntryHead(const uint64_t* words) {
  EntryHead head;
  head.slot = static_cast<uint16_t>(words[0]);
  head.word_count = static_cast<uint16_t>(words[0] >> 16);
  head.back_words = static_cast<uint32_t>(words[0] >> 32);
  head.thread.tid = static_cast<uint32_t>(words[1]);
  head.thread.tgid = static_cast<uint32_t>(words[1] >> 32);
  head.thread.start_ns = static_cast<int64_t>(words[2]);
  return head;
}

inline void SetEntryBackWords(uint32_t back_words, uint64_t* words) {
  words[0] = (words[0] & 0xffffffffu) | (static_cast<uint64_t>(back_words) << 32);
}

// Writes the entry with back_words 0 and returns its length in words.
size_t EncodeEntry(const ThreadDelta& delta, uint16_t slot, EntryWords* words);
size_t EncodeEntry(const ThreadWindow& sum, uint16_t slot, EntryWords* words);

// Adds a whole entry to the sum (whose `thread` is left alone). `words` holds as many words as the entry's head says. False when it is not
// as EncodeEntry wrote it: the sum is then of no use.
bool AddEntry(const uint64_t* words, ThreadWindow* sum);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STORE_DELTA_ENTRY_H_
