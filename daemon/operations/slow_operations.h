// SlowOperations: operations, and gaps between heartbeats, that took longer than their threshold become spikes whose causes are the stalls
// of their thread; and which operations were hit by what, slow or not.
//
// A span is looked at when all stalls of its time are known: the loop has caught up with its end, and StretchHold's patience is over, so
// some 12 ms after it. Of spans that no stall can have hit, because they are shorter than any that is recorded, nothing is kept.
//
// Threads: Begin, EndTurn and the files' own by the reader's thread; SlownessOf by any. Bounds: FileSpans's; a turn that looks at spans
// reads the stalls once (StallIndex); kToldPerSecondMax spikes of a file and second, the rest are counted; kEndedMax files that have ended.
#ifndef HFTMON_DAEMON_OPERATIONS_SLOW_OPERATIONS_H_
#define HFTMON_DAEMON_OPERATIONS_SLOW_OPERATIONS_H_

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "common/clock_conversion.h"
#include "common/monotonic_clock.h"
#include "daemon/analysis/stall.h"
#include "daemon/markers/span_files.h"
#include "daemon/operations/file_spans.h"
#include "daemon/operations/operation_slowness.h"
#include "daemon/operations/short_stalls.h"
#include "daemon/operations/stall_index.h"
#include "daemon/store/seq_ring.h"

namespace hftmon {

// What a target wants of its marks.
struct OperationWish {
  uint32_t pid = 0;
  int64_t operation_threshold_ns = 0;  // 0: adaptive
  int64_t spike_threshold_ns = 0;
  bool stacks = false;  // of each record above the kernel's threshold
};

// A thread as the daemon watches it.
struct WatchedThread {
  ThreadKey key;
  uint16_t slot = 0;
};

class SlowOperations final : public SpanFiles {
 public:
  static constexpr int64_t kWishesIntervalNs = 100'000'000;
  static constexpr int64_t kCompareIntervalNs = 5'000'000;
  // After that a span is looked at though the loop has not caught up: its spike is inconclusive.
  static constexpr int64_t kPatienceMaxNs = 2'000'000'000;
  static constexpr uint32_t kToldPerSecondMax = 1'000;
  static constexpr size_t kEndedMax = 64;
  static constexpr int64_t kStallFloorMinNs = 1'000;
  static constexpr int64_t kAdaptiveStallFloorMinNs = 2'000;
  static constexpr int64_t kNoStallFloorNs = INT64_MAX;

  // All that is called or pointed to outlives it; called by the reader's thread.
  struct Parts {
    const MonotonicClock* clock = nullptr;
    const SeqRing<Stall>* stalls = nullptr;
    KernelView view;
    std::function<LinearConversion()> ticks;
    // All records of before that moment have become stalls, but stretches of interrupts that are held for `hold_ns`.
    std::function<int64_t()> caught_up_mono_ns;
    int64_t hold_ns = 0;
    std::function<std::optional<WatchedThread>(uint32_t pid, uint32_t tid)> thread_of;
    // Of all targets that run; nothing: they cannot be had without waiting, and stay as they were.
    std::function<std::optional<std::vector<OperationWish>>()> wishes;
    // Whether no record of that time was lost, and the programs were on.
    std::function<bool(int64_t begin_mono_ns, int64_t end_mono_ns)> seen_whole;
    // Stalls are wanted from so long on; kNoStallFloorNs: none.
    std::function<void(int64_t floor_ns)> want_stalls;
    // The highest floor since then; kNoStallFloorNs: for some time there was none.
    std::function<int64_t(int64_t since_mono_ns)> stall_floor_since;
    std::function<bool(const Spike&)> tell;  // false: no room
  };

  explicit SlowOperations(Parts parts) : parts_(std::move(parts)), short_stalls_(parts_.view) {}

  std::shared_ptr<SpanFile> Begin(const MarkerRingName& name) override;
  bool EndTurn() override;

  // By operation number, as of the last kWishesIntervalNs; empty: no such file, or no longer known.
  std::vector<OperationSlowness> SlownessOf(uint64_t file_id) const;

 private:
  class File;
  using Files = std::list<std::shared_ptr<File>>;

  void Identify(const File& file, FileSpans::Pending* pending) const;
  void Follow(uint32_t tid, File* file);
  void RefreshWishes();
  int64_t StallFloorOf(const FileSpans& file, const OperationWish& wish) const;
  void Compare(int64_t now_ns);
  // Returns how many stalls it was compared with, and one.
  size_t CompareSpan(const FileSpans::Pending& pending, const StallIndex& index, bool overdue, File* file);
  Spike SpikeOf(const FileSpans::Pending& pending, const StallIndex& index, std::span<const Stall* const> stalls, int64_t floor_ns,
                const FileSpans& file);
  bool MayTell(File* file) const;
  void Publish();
  bool HasPending() const;

  const Parts parts_;
  ShortStalls short_stalls_;
  Files files_;
  uint64_t last_file_id_ = 0;
  int64_t wishes_read_mono_ns_ = INT64_MIN;
  int64_t compared_mono_ns_ = INT64_MIN;
  int64_t stall_floor_ns_ = kNoStallFloorNs;
  std::vector<OperationWish> wishes_;
  int64_t now_ns_ = 0;

  mutable std::mutex mutex_;                                                  // of the list, for readers, and of what follows
  std::list<std::pair<uint64_t, std::vector<OperationSlowness>>> published_;  // by file, the oldest first
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OPERATIONS_SLOW_OPERATIONS_H_
