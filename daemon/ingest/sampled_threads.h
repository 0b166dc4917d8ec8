// SampledThreads: how often each thread was met on one CPU. An open-addressed table of fixed size.
//
// Threads: one at a time. No allocation: it is whole where it stands, zeroed memory is an empty table. Bounds: kEntries threads, a search
// looks at kProbesMax places; a thread that finds none has no entry, and its samples are counted by the owner.
#ifndef HFTMON_DAEMON_INGEST_SAMPLED_THREADS_H_
#define HFTMON_DAEMON_INGEST_SAMPLED_THREADS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hftmon {

struct SampledThread {
  uint32_t tid;  // 0: a free entry; the idle thread is never one
  uint32_t tgid;
  uint64_t count;
  bool watched;  // when it was met first
};

class SampledThreads {
 public:
  static constexpr size_t kEntries = 512;
  static constexpr size_t kProbesMax = 32;

  void Clear() { entries_.fill({}); }
  // The thread's entry, a new one with count 0; nullptr when there is no place. Requires tid != 0.
  SampledThread* Claim(uint32_t tid, uint32_t tgid) {
    constexpr uint32_t kGoldenRatio = 0x9e3779b9;  // spreads numbers that follow each other
    size_t at = (tid * kGoldenRatio) >> (32 - kEntriesLog2);
    for (size_t probe = 0; probe < kProbesMax; ++probe, at = (at + 1) % kEntries) {
      SampledThread& entry = entries_[at];
      if (entry.tid == 0) entry = {.tid = tid, .tgid = tgid, .count = 0, .watched = false};
      if (entry.tid == tid && entry.tgid == tgid) return &entry;
    }
    return nullptr;
  }
  // Free ones among them.
  std::span<const SampledThread> entries() const { return entries_; }

 private:
  static constexpr uint32_t kEntriesLog2 = 9;
  static_assert(kEntries == size_t{1} << kEntriesLog2);

  std::array<SampledThread, kEntries> entries_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_SAMPLED_THREADS_H_
