#include "daemon/service/evidence/evidence_book.h"

#include <algorithm>
#include <utility>

namespace hftmon {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kFineNs = 10 * kSecondNs;
constexpr int64_t kOldestNs = 1'280 * kSecondNs;

// Those of one rung are of the same age to a factor of two; 0: each is kept.
int RungOf(int64_t age_ns) {
  int rung = 0;
  for (int64_t limit_ns = kFineNs; age_ns > limit_ns && rung < 16; limit_ns *= 2) ++rung;
  return rung;
}

}  // namespace

const CpuHardwareSums* EvidenceSnapshot::HardwareOf(int cpu) const {
  const auto found = std::find_if(hardware.begin(), hardware.end(), [cpu](const CpuHardwareSums& one) { return one.cpu == cpu; });
  return found == hardware.end() ? nullptr : &*found;
}

size_t EvidenceSnapshot::bytes() const {
  size_t bytes = sizeof(*this);
  for (const auto& [key, sums] : threads) {
    bytes += sizeof(key) + sizeof(sums) + 64;
    if (sums.faults) bytes += sums.faults->senders.capacity() * sizeof(SenderTotal);
    bytes += sums.sockets.capacity() * sizeof(SocketSum);
  }
  for (const CpuInterruptTotal& cpu : cpus) bytes += sizeof(cpu) + cpu.devices.capacity() * sizeof(DeviceTotal);
  bytes += visits.capacity() * sizeof(CpuVisitInfo) + works.capacity() * sizeof(WorkSum) + polls.capacity() * sizeof(PollSum);
  for (const WorkSum& work : works) bytes += work.function.capacity();
  for (const CpuHardwareSums& cpu : hardware) bytes += sizeof(cpu) + cpu.idle_counts.capacity() * sizeof(uint64_t);
  return bytes;
}

void EvidenceBook::Take() {
  auto snapshot = std::make_shared<const EvidenceSnapshot>(read_());
  std::lock_guard lock(mutex_);
  kept_.push_back(std::move(snapshot));
  DropLocked(kept_.back()->mono_ns);
}

void EvidenceBook::DropLocked(int64_t now_mono_ns) {
  std::erase_if(kept_, [now_mono_ns](const auto& one) { return now_mono_ns - one->mono_ns > kOldestNs; });
  // Of a rung two stay: its oldest will be the next rung's, its newest is what a window of its age begins with.
  for (size_t i = 1; i + 1 < kept_.size();) {
    const int rung = RungOf(now_mono_ns - kept_[i]->mono_ns);
    const bool between =
        rung > 0 && RungOf(now_mono_ns - kept_[i - 1]->mono_ns) == rung && RungOf(now_mono_ns - kept_[i + 1]->mono_ns) == rung;
    if (between) {
      kept_.erase(kept_.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
  size_t bytes = 0;
  for (const auto& one : kept_) bytes += one->bytes();
  while (bytes > bytes_max_ && kept_.size() > kThinnedMin) {
    const auto thinned = kept_.begin() + static_cast<std::ptrdiff_t>(LeastMissedLocked(now_mono_ns));
    bytes -= (*thinned)->bytes();
    kept_.erase(thinned);
  }
  while (bytes > bytes_max_ && kept_.size() > 1) {
    bytes -= kept_.front()->bytes();
    cut_mono_ns_ = kept_.front()->mono_ns;
    kept_.pop_front();
  }
}

size_t EvidenceBook::LeastMissedLocked(int64_t now_mono_ns) const {
  size_t least = 1;
  double least_hole = 0;
  for (size_t i = 1; i + 1 < kept_.size(); ++i) {
    const int64_t hole_ns = kept_[i + 1]->mono_ns - kept_[i - 1]->mono_ns;
    const double hole = static_cast<double>(hole_ns) / static_cast<double>(now_mono_ns - kept_[i + 1]->mono_ns + kFineNs / 2);
    if (i == 1 || hole < least_hole) {
      least = i;
      least_hole = hole;
    }
  }
  return least;
}

SnapshotPair EvidenceBook::Around(int64_t begin_mono_ns) const {
  SnapshotPair pair;
  {
    std::lock_guard lock(mutex_);
    pair.cut = begin_mono_ns <= cut_mono_ns_;
    for (const auto& one : kept_) {
      // Never older than asked for: what a mend ended would be in the figures again.
      if (one->mono_ns < begin_mono_ns) continue;
      pair.before = one;
      break;
    }
  }
  if (pair.before != nullptr) pair.after = std::make_shared<const EvidenceSnapshot>(read_());
  return pair;
}

size_t EvidenceBook::bytes() const {
  std::lock_guard lock(mutex_);
  size_t bytes = 0;
  for (const auto& one : kept_) bytes += one->bytes();
  return bytes;
}

size_t EvidenceBook::count() const {
  std::lock_guard lock(mutex_);
  return kept_.size();
}

}  // namespace hftmon
