// ShortStalls: what stalls too short for a record of their own took from a thread together: the kernel's exact sums, looked at every few
// milliseconds, less the stalls that were recorded.
//
// Reads: hft_thread_slot, hft_stolen, hft_thread_kernel of the threads that mark (a few lines of each, by plain loads). One thread.
// Bounds: kThreadsMax threads, kSamplesMax samples of each; a thread that was not asked for a while is forgotten.
//
// The sums of two looks belong to the time between them, not to a span in it: a span takes of them only when it fills a good part of that
// time (kCoverageMin), no more than it has left without a cause, and what one span took no other of its track does. Spans of different
// tracks may lie within one another, and each is as long as it is. So it is an estimate, and marked so.
#ifndef HFTMON_DAEMON_OPERATIONS_SHORT_STALLS_H_
#define HFTMON_DAEMON_OPERATIONS_SHORT_STALLS_H_

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "daemon/analysis/stall.h"
#include "daemon/collectors/kernel_view.h"

namespace hftmon {

struct ShortStallCauses {
  std::vector<Cause> causes;
  // Half of the limit or more may be short stalls' and is in no cause, because it is not known what of the span they had: the looks lay so
  // far apart, or so much of it lies before the first or after the last one that is kept (the thread is gone, or was not looked at). Else
  // 0.
  int64_t looks_apart_ns = 0;
};

class ShortStalls {
 public:
  static constexpr size_t kThreadsMax = 256;
  static constexpr size_t kSamplesMax = 512;
  static constexpr int64_t kSampleIntervalNs = 1'000'000;  // between two samples of a thread at least
  static constexpr size_t kTracksMax = 32;                 // that take of one look; others take nothing
  static constexpr double kCoverageMin = 0.25;

  // The view's memory outlives it.
  explicit ShortStalls(const KernelView& view) : view_(view) {}

  // Looks at the thread from now on, if there is room.
  void Follow(const ThreadKey& thread, uint16_t slot, int64_t now_ns);
  // Takes a sample of each thread that is followed. Every few milliseconds.
  void Sample(int64_t now_ns);

  // Spans that do not overlap: those of one operation.
  struct Track {
    bool operator==(const Track&) const = default;

    uint32_t file = 0;
    uint32_t operation = 0;
    bool heartbeat = false;
  };

  // What short stalls had of [begin, end], by kind, estimated, at most `limit_ns` together. `recorded`: the thread's stalls of that time
  // and some milliseconds around it; shorter than `floor_ns` none has a record.
  ShortStallCauses Take(const ThreadKey& thread, const Track& track, int64_t begin_mono_ns, int64_t end_mono_ns,
                        std::span<const Stall> recorded, int64_t floor_ns, int64_t limit_ns);

 private:
  static constexpr std::array<CauseKind, 8> kKinds = {CauseKind::kRunnable,   CauseKind::kBlocked, CauseKind::kFault,
                                                      CauseKind::kKernelLock, CauseKind::kReclaim, CauseKind::kNmi,
                                                      CauseKind::kHardIrq,    CauseKind::kSoftirq};
  struct Sum {
    uint64_t count = 0;
    uint64_t duration_ns = 0;
  };
  using Sums = std::array<Sum, kKinds.size()>;
  using Durations = std::array<int64_t, kKinds.size()>;
  // The time until this sample from the one before.
  struct Look {
    int64_t mono_ns = 0;
    Sums sums;
    bool split = false;  // short_ns is known
    Durations short_ns{};
    std::vector<std::pair<Track, Durations>> taken;  // by spans of that track
  };
  struct Thread {
    ThreadKey key;
    uint16_t slot = 0;
    uint32_t generation = 0;
    int64_t asked_mono_ns = 0;
    std::deque<Look> looks;
  };

  static size_t IndexOf(CauseKind kind);
  bool ReadSums(const Thread& thread, Sums* sums) const;
  static Sums RecordedWithin(std::span<const Stall> recorded, int64_t begin_mono_ns, int64_t end_mono_ns);
  static Durations* TakenBy(const Track& track, Look* look);
  static void Split(const Look& before, std::span<const Stall> recorded, int64_t floor_ns, Look* look);

  const KernelView view_;
  std::unordered_map<uint32_t, Thread> threads_;  // by tid
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OPERATIONS_SHORT_STALLS_H_
