#include "daemon/operations/short_stalls.h"

#include <algorithm>
#include <numeric>

#include "daemon/ring/shared_word.h"

namespace hftmon {
namespace {

// Not asked for that long, a thread marks nothing worth a look.
constexpr int64_t kForgottenAfterNs = 60'000'000'000;
// A sum below this is no cause.
constexpr int64_t kWorthTellingNs = 100;

template <typename Word>
Word Read(const Word& word) {
  return LoadRelaxed(const_cast<Word&>(word));
}

int64_t Clamped(int64_t value, int64_t most) {
  return std::clamp<int64_t>(value, 0, std::max<int64_t>(most, 0));
}

}  // namespace

size_t ShortStalls::IndexOf(CauseKind kind) {
  switch (kind) {
    case CauseKind::kCompaction:
    case CauseKind::kMigration:
      kind = CauseKind::kReclaim;
      break;
    case CauseKind::kThread:
    case CauseKind::kWaking:
    case CauseKind::kMigrating:
      kind = CauseKind::kRunnable;
      break;
    default:
      break;
  }
  return static_cast<size_t>(std::find(kKinds.begin(), kKinds.end(), kind) - kKinds.begin());
}

void ShortStalls::Follow(const ThreadKey& thread, uint16_t slot, int64_t now_ns) {
  const auto found = threads_.find(thread.tid);
  if (found != threads_.end() && found->second.key == thread) {
    found->second.asked_mono_ns = now_ns;
    return;
  }
  if (found == threads_.end() && threads_.size() >= kThreadsMax) return;
  if (slot >= view_.slots.size()) return;
  threads_[thread.tid] = {
      .key = thread, .slot = slot, .generation = Read(view_.slots[slot].generation), .asked_mono_ns = now_ns, .looks = {}};
}

bool ShortStalls::ReadSums(const Thread& thread, Sums* sums) const {
  const hft_thread_slot& slot = view_.slots[thread.slot];
  if (Read(slot.generation) != thread.generation || Read(slot.tid) != thread.key.tid) return false;
  const uint64_t wait_ns = Read(slot.run_delay_ns) - Read(slot.base_run_delay_ns);
  const uint64_t off_cpu_ns = Read(slot.off_cpu_ns);
  (*sums)[IndexOf(CauseKind::kRunnable)] = {.count = Read(slot.off_cpu_count), .duration_ns = wait_ns};
  (*sums)[IndexOf(CauseKind::kBlocked)] = {.count = Read(slot.voluntary_count), .duration_ns = off_cpu_ns - std::min(wait_ns, off_cpu_ns)};
  if (thread.slot < view_.kernel.size() && Read(view_.kernel[thread.slot].generation) == thread.generation) {
    const hft_thread_kernel& kernel = view_.kernel[thread.slot];
    const auto add = [](const hft_kernel_sum& from, Sum* to) {
      to->count += Read(from.count);
      to->duration_ns += Read(from.duration_ns) - Read(from.off_cpu_ns);
    };
    for (const hft_kernel_sum& fault : kernel.faults) add(fault, &(*sums)[IndexOf(CauseKind::kFault)]);
    for (const hft_kernel_sum& lock : kernel.locks) add(lock, &(*sums)[IndexOf(CauseKind::kKernelLock)]);
    add(kernel.compaction, &(*sums)[IndexOf(CauseKind::kReclaim)]);
    add(kernel.reclaim, &(*sums)[IndexOf(CauseKind::kReclaim)]);
  }
  if (thread.slot < view_.stolen.size() && Read(view_.stolen[thread.slot].generation) == thread.generation) {
    const hft_stolen& stolen = view_.stolen[thread.slot];
    for (size_t source = 0; source < HFT_SOURCES; ++source) {
      const CauseKind kind = source == HFT_SOURCE_NMI       ? CauseKind::kNmi
                             : source >= HFT_SOURCE_SOFTIRQ ? CauseKind::kSoftirq
                                                            : CauseKind::kHardIrq;
      Sum& sum = (*sums)[IndexOf(kind)];
      sum.count += Read(stolen.count[source]);
      sum.duration_ns += Read(stolen.self_ns[source]);
    }
  }
  return true;
}

void ShortStalls::Sample(int64_t now_ns) {
  for (auto at = threads_.begin(); at != threads_.end();) {
    Thread& thread = at->second;
    if (!thread.looks.empty() && now_ns - thread.looks.back().mono_ns < kSampleIntervalNs) {
      ++at;
      continue;
    }
    Look look{.mono_ns = now_ns};
    if (now_ns - thread.asked_mono_ns > kForgottenAfterNs || !ReadSums(thread, &look.sums)) {
      // Its slot is another's: what was read before still tells of the past, until it is asked for no more.
      at = now_ns - thread.asked_mono_ns > kForgottenAfterNs ? threads_.erase(at) : std::next(at);
      continue;
    }
    thread.looks.push_back(look);
    if (thread.looks.size() > kSamplesMax) thread.looks.pop_front();
    ++at;
  }
}

// What the kernel's sums have of them: time off the CPU is the slot's, of what the kernel did only its own time.
ShortStalls::Sums ShortStalls::RecordedWithin(std::span<const Stall> recorded, int64_t begin_mono_ns, int64_t end_mono_ns) {
  Sums sums;
  for (const Stall& stall : recorded) {
    if (stall.end_mono_ns() <= begin_mono_ns || stall.end_mono_ns() > end_mono_ns) continue;
    const size_t cause_count = std::min<size_t>(stall.cause_count, kCausesMax);
    if (stall.kind == SpikeKind::kPreempted || stall.kind == SpikeKind::kRunQueue || stall.kind == SpikeKind::kBlocked) {
      int64_t blocked_ns = 0;
      for (size_t i = 0; i < cause_count; ++i) blocked_ns += stall.causes[i].kind == CauseKind::kBlocked ? stall.causes[i].duration_ns : 0;
      Sum& waits = sums[IndexOf(CauseKind::kRunnable)];
      waits.duration_ns += static_cast<uint64_t>(stall.duration_ns - blocked_ns);
      ++waits.count;
      if (stall.kind != SpikeKind::kBlocked) continue;
      sums[IndexOf(CauseKind::kBlocked)].duration_ns += static_cast<uint64_t>(blocked_ns);
      ++sums[IndexOf(CauseKind::kBlocked)].count;
      continue;
    }
    const bool interrupted = stall.kind == SpikeKind::kInterrupted;
    for (size_t i = 0; i < cause_count; ++i) {
      const Cause& cause = stall.causes[i];
      const bool own = interrupted ? IsInterrupt(cause.kind) : cause.kind >= CauseKind::kFault && cause.kind <= CauseKind::kMigration;
      if (!own) continue;
      Sum& sum = sums[IndexOf(cause.kind)];
      sum.duration_ns += static_cast<uint64_t>(cause.duration_ns);
      sum.count += std::max<uint64_t>(cause.run_count, 1);
    }
  }
  return sums;
}

void ShortStalls::Split(const Look& before, std::span<const Stall> recorded, int64_t floor_ns, Look* look) {
  look->split = true;
  const Sums known = RecordedWithin(recorded, before.mono_ns, look->mono_ns);
  for (size_t i = 0; i < kKinds.size(); ++i) {
    const auto duration_ns = static_cast<int64_t>(look->sums[i].duration_ns - before.sums[i].duration_ns - known[i].duration_ns);
    const auto count = static_cast<int64_t>(look->sums[i].count - before.sums[i].count - known[i].count);
    // Shorter than the floor, each: a stall at the edge of the two looks that is in one figure and not in the other is not taken for short
    // ones.
    look->short_ns[i] = count <= 0 || count > INT32_MAX ? 0 : Clamped(duration_ns, count * std::min<int64_t>(floor_ns, INT32_MAX));
  }
}

ShortStalls::Durations* ShortStalls::TakenBy(const Track& track, Look* look) {
  for (auto& [other, taken_ns] : look->taken) {
    if (other == track) return &taken_ns;
  }
  if (look->taken.size() >= kTracksMax) return nullptr;
  return &look->taken.emplace_back(track, Durations{}).second;
}

ShortStallCauses ShortStalls::Take(const ThreadKey& thread, const Track& track, int64_t begin_mono_ns, int64_t end_mono_ns,
                                   std::span<const Stall> recorded, int64_t floor_ns, int64_t limit_ns) {
  const auto found = threads_.find(thread.tid);
  if (limit_ns < kWorthTellingNs) return {};
  // Of a thread that nobody looked at, and of a track for which a look has no room, nothing is known.
  const ShortStallCauses unknown{.causes = {}, .looks_apart_ns = end_mono_ns - begin_mono_ns};
  if (found == threads_.end() || !(found->second.key == thread)) return unknown;
  std::deque<Look>& looks = found->second.looks;
  std::vector<Look*> touched;
  int64_t touched_ns = 0;
  for (size_t i = 1; i < looks.size(); ++i) {
    if (looks[i].mono_ns <= begin_mono_ns || looks[i - 1].mono_ns >= end_mono_ns) continue;
    if (TakenBy(track, &looks[i]) == nullptr) return unknown;
    if (!looks[i].split) Split(looks[i - 1], recorded, floor_ns, &looks[i]);
    touched.push_back(&looks[i]);
    touched_ns += looks[i].mono_ns - looks[i - 1].mono_ns;
  }
  ShortStallCauses found_causes;
  int64_t unseen_ns = end_mono_ns - begin_mono_ns;  // before the first look that is kept, and after the last
  if (!looks.empty()) {
    unseen_ns = std::max<int64_t>(0, std::min(end_mono_ns, looks.front().mono_ns) - begin_mono_ns) +
                std::max<int64_t>(0, end_mono_ns - std::max(begin_mono_ns, looks.back().mono_ns));
  }
  if (unseen_ns >= limit_ns / 2) found_causes.looks_apart_ns = unseen_ns;
  Durations had_ns{};
  for (Look* look : touched) {
    const Durations& taken_ns = *TakenBy(track, look);
    for (size_t i = 0; i < kKinds.size(); ++i) had_ns[i] += look->short_ns[i] - taken_ns[i];
  }
  const int64_t all_ns = std::accumulate(had_ns.begin(), had_ns.end(), int64_t{0});
  if (all_ns <= 0) return found_causes;
  if (static_cast<double>(end_mono_ns - begin_mono_ns) < kCoverageMin * static_cast<double>(touched_ns)) {
    if (all_ns >= limit_ns / 2) found_causes.looks_apart_ns = std::max(found_causes.looks_apart_ns, touched_ns);
    return found_causes;
  }
  const double share = std::min(1.0, static_cast<double>(limit_ns) / static_cast<double>(all_ns));
  for (size_t i = 0; i < kKinds.size(); ++i) {
    const auto taken_ns = static_cast<int64_t>(static_cast<double>(had_ns[i]) * share);
    if (taken_ns < kWorthTellingNs) continue;
    found_causes.causes.push_back({.kind = kKinds[i], .estimated = true, .others = HasActor(kKinds[i]), .duration_ns = taken_ns});
    for (Look* look : touched) {
      int64_t& taken_by_look_ns = (*TakenBy(track, look))[i];
      taken_by_look_ns += static_cast<int64_t>(static_cast<double>(look->short_ns[i] - taken_by_look_ns) * share);
    }
  }
  return found_causes;
}

}  // namespace hftmon
