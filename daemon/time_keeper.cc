#include "daemon/time_keeper.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace hftmon {

// An offset that was last seen so long ago tells nothing any more.
constexpr int64_t kRunQueueClockErrorMaxNs = 1'000'000;

TimeKeeper::TimeKeeper(Parts parts, std::unique_ptr<WallClockNotice> notice)
    : parts_(std::move(parts)), watcher_(std::make_unique<EpochWatcher>(parts_.raw_clocks, parts_.clock, std::move(notice))) {
  NoteCalibration();
}

void TimeKeeper::RefreshKernelClock() {
  KernelClock read = ReadKernelClock(parts_.adjust_clock);
  read.read_mono_ns = parts_.raw_clocks->MonotonicNs();
  const std::lock_guard lock(mutex_);
  kernel_clock_ = std::move(read);
}

void TimeKeeper::RefreshPtpClocks() {
  std::vector<PtpClock> read = ReadPtpClocks(parts_.files, *parts_.ptp_calls);
  const int64_t now_ns = parts_.raw_clocks->MonotonicNs();
  for (PtpClock& clock : read) clock.read_mono_ns = now_ns;
  const std::lock_guard lock(mutex_);
  ptp_clocks_ = std::move(read);
}

void TimeKeeper::NoteCalibration() {
  if (parts_.clock->uses_tsc()) ticks_.Note(parts_.clock->conversion(), parts_.clock->epoch());
}

absl::StatusOr<std::vector<PlacedTime>> TimeKeeper::FromTicks(std::span<const uint64_t> ticks) const {
  if (parts_.clock->uses_tsc()) {
    std::vector<PlacedTime> placed = ticks_.Place(ticks);
    if (placed.size() == ticks.size()) return placed;
  }
  const std::string reason = parts_.clock->state().reason;
  return absl::FailedPreconditionError(
      absl::StrCat("the processor's counter is no clock on this host: ", reason.empty() ? "it was not calibrated yet" : reason,
                   ": give the times of another clock"));
}

std::optional<int64_t> TimeKeeper::FromRunQueueClock(uint16_t cpu, int64_t clock_ns) const {
  const std::vector<RunQueueClock> clocks = parts_.pairs->Clocks(parts_.raw_clocks->MonotonicNs());
  // Where the kernel's clock source is the counter, its scheduler's clock is that of all CPUs: the best known one serves.
  const RunQueueClock* best = nullptr;
  for (const RunQueueClock& clock : clocks) {
    if (clock.cpu != cpu && !parts_.clock->uses_tsc()) continue;
    if (best == nullptr || clock.error_ns < best->error_ns) best = &clock;
  }
  if (best == nullptr || best->error_ns > kRunQueueClockErrorMaxNs) return std::nullopt;
  return clock_ns + best->offset_ns;
}

int64_t TimeKeeper::FromBoottime(int64_t boottime_ns) const {
  return MonotonicFromBoottimeNs(Epochs(), ReadBoottimeOffset(*parts_.raw_clocks).offset_ns, boottime_ns);
}

TimePair TimeKeeper::Now() const {
  const ClockEpoch epoch = watcher_->LookAtCurrent();
  const ClockPair pair = ReadClockPair(*parts_.raw_clocks);
  return {.monotonic_ns = pair.monotonic_ns,
          .realtime_ns = pair.realtime_ns,
          .error_ns = pair.error_ns,
          .tai_offset_ns = epoch.tai_offset_ns,
          .epoch = epoch.number};
}

void TimeKeeper::FillStatus(ClockStatus* status) const {
  status->epochs = Epochs();
  for (const RunQueueClock& clock : parts_.pairs->Clocks(parts_.raw_clocks->MonotonicNs())) {
    status->run_queue_clocks.push_back({clock.cpu, clock.offset_ns, clock.error_ns, clock.rate_ppm, clock.pair_count});
  }
  const std::lock_guard lock(mutex_);
  status->kernel_clock = kernel_clock_;
  status->ptp_clocks = ptp_clocks_;
}

}  // namespace hftmon
