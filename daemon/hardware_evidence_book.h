// HardwareEvidenceBook: what hardware and hypervisor may have had of each spike, noted while the readings and logs that tell it are still
// there: those of a CPU last a tenth of a second, a spike is asked for later.
//
// A spike's readings are there at its CPU's next tick; so it is looked at again until they are, for kPatienceNs. Nothing of it is done by
// the housekeeping loop, and nothing is sent to any CPU. Owner: the daemon. Threads: Look by one thread; Of by any; one mutex inside.
// Bounds: kSpikesMax spikes, the newest; kSpikesPerLookMax new ones a look, older ones are left to whoever asks in time. Who asks again
// costs little: readings are copied only where there may be some around the spike, logs only for a spike of the last kPatienceNs that has
// no note.
//
// Readings are there since the programs were attached; logs of who ran are there always, so siblings are told of spikes only that began
// after the first look that found them attached.
#ifndef HFTMON_DAEMON_HARDWARE_EVIDENCE_BOOK_H_
#define HFTMON_DAEMON_HARDWARE_EVIDENCE_BOOK_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "common/monotonic_clock.h"
#include "daemon/analysis/hardware_evidence.h"
#include "daemon/analysis/spike_history.h"
#include "daemon/collectors/kernel_view.h"
#include "daemon/store/clock_pair_recorder.h"

namespace hftmon {

class HardwareEvidenceBook {
 public:
  static constexpr int64_t kLookIntervalNs = 10'000'000;
  static constexpr size_t kSpikesMax = 4'096;
  static constexpr uint64_t kSpikesPerLookMax = 256;
  static constexpr int64_t kPatienceNs = 1'000'000'000;

  struct Parts {
    KernelView view;  // its memory outlives the book
    const SpikeHistory* spikes = nullptr;
    const MonotonicClock* clock = nullptr;
    std::function<bool()> collecting;                                       // the programs run
    std::function<std::vector<int>(int cpu)> siblings_of;                   // other CPUs of its core; asked once a second at most
    std::function<std::vector<RunQueueClock>(int64_t now_mono_ns)> clocks;  // as far as they are known
    bool one_clock = false;  // the run queues' clocks are one: a sibling whose own is not known has the spike's CPU's
  };
  explicit HardwareEvidenceBook(Parts parts);

  // At regular times.
  void Look();
  // Of a spike that has ended: what was noted, and what is known now. Absent: nothing, or nobody asked for it then.
  std::optional<HardwareEvidence> Of(const Spike& spike) const;

 private:
  // Each CPU's readings, copied once for all spikes that are looked at together.
  using Readings = std::map<int, std::vector<hft_hardware_reading>>;

  std::optional<HardwareEvidence> NotedOf(const Spike& spike) const;
  void Complete(const Spike& spike, const HardwareEvidence& evidence) const;
  HardwareEvidence Gather(const Spike& spike, Readings* readings) const;
  HardwareEvidence BoundsOf(const Spike& spike, Readings* readings) const;
  void AddSiblings(const Spike& spike, HardwareEvidence* evidence) const;
  SiblingBusy BusyOf(int sibling, const Spike& spike) const;
  std::optional<RunQueueClock> ClockOf(int cpu, int64_t now_mono_ns) const;
  std::vector<int> SiblingsOf(const Spike& spike) const;
  void Note(const Spike& spike, const HardwareEvidence& evidence);
  void LookAtWaiting(int64_t now_ns, Readings* readings);

  const Parts parts_;
  uint64_t next_ = 0;          // of the history; Look's
  std::deque<Spike> waiting_;  // for a reading after their end; Look's
  mutable std::mutex mutex_;
  std::optional<int64_t> attached_mono_ns_;  // of the first look that found the programs attached; absent: the last one did not
  mutable std::map<int, std::vector<int>> siblings_;
  mutable int64_t siblings_read_mono_ns_ = 0;
  mutable std::unordered_map<uint64_t, HardwareEvidence> evidence_;  // by id
  std::deque<uint64_t> ids_;                                         // in the order of their notes
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_HARDWARE_EVIDENCE_BOOK_H_
