#include "daemon/ingest/state_sampler.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "daemon/ingest/departure.h"
#include "daemon/ingest/waker.h"
#include "daemon/ingest/watched_slot.h"
#include "daemon/ring/shared_word.h"

namespace hftmon {
namespace {

// calloc: zeroed pages that cost no memory until somebody samples.
template <typename T>
std::unique_ptr<T, void (*)(void*)> Zeroed(size_t count) {
  std::unique_ptr<T, void (*)(void*)> memory(static_cast<T*>(std::calloc(std::max<size_t>(count, 1), sizeof(T))), &std::free);
  if (!memory) throw std::bad_alloc();
  return memory;
}

}  // namespace

StateSampler::StateSampler(const KernelView& view, const MonotonicClock* clock, const WakerTable* wakers)
    : view_(view),
      clock_(clock),
      wakers_(wakers),
      cpus_(Zeroed<CpuSamples>(view.cpus.size())),
      index_of_(Zeroed<uint16_t>(view.cpus.size())),
      watched_(Zeroed<uint16_t>(view.slots.size())) {}

bool StateSampler::Begin(const Request& request) {
  uint32_t expected = kFree;
  // Acquire: pairs with the loop's release of what was abandoned.
  if (!phase_.compare_exchange_strong(expected, kFilling, std::memory_order_acquire, std::memory_order_relaxed)) return false;
  samples_ = {};
  samples_.interval_ns = request.interval_ns;
  tick_count_ = static_cast<uint64_t>(std::max<int64_t>(request.duration_ns / request.interval_ns, 1));
  ticks_a_look_ = static_cast<uint32_t>(std::max<int64_t>(kLookNs / request.interval_ns, 1));
  may_spin_ = request.may_spin;
  std::fill_n(index_of_.get(), view_.cpus.size(), kNotAsked);
  cpu_count_ = 0;
  for (const int cpu : request.cpus) {
    index_of_.get()[cpu] = static_cast<uint16_t>(cpu_count_);
    CpuSamples* samples = cpus_.get() + cpu_count_++;
    *samples = {};
    samples->cpu = static_cast<uint16_t>(cpu);
  }
  samples_.cpus = {cpus_.get(), cpu_count_};
  ListWatched();
  phase_.store(kAsked, std::memory_order_release);
  return true;
}

void StateSampler::ListWatched() {
  for (size_t slot = 1; slot < view_.slots.size(); ++slot) {
    if (LoadRelaxed(view_.slots[slot].state) == HFT_SLOT_LIVE) watched_.get()[samples_.watched_count++] = static_cast<uint16_t>(slot);
  }
}

const StateSamples* StateSampler::result() const {
  return phase_.load(std::memory_order_acquire) == kDone ? &samples_ : nullptr;
}

void StateSampler::End() {
  uint32_t phase = phase_.load(std::memory_order_relaxed);
  // Release: what was read of the result was read before another may begin. The loop may be ahead of it: then once more.
  while (phase == kAsked || phase == kRunning || phase == kDone) {
    const uint32_t next = phase == kRunning ? kAbandoned : kFree;
    if (phase_.compare_exchange_weak(phase, next, std::memory_order_acq_rel, std::memory_order_relaxed)) return;
  }
}

void StateSampler::Start(int64_t now_ns) {
  uint32_t expected = kAsked;
  // Acquire: what Begin has filled. It fails where who asked has thought better of it.
  if (!phase_.compare_exchange_strong(expected, kRunning, std::memory_order_acquire, std::memory_order_relaxed)) return;
  active_ = true;
  samples_.begin_mono_ns = now_ns;
  next_tick_ = 0;
  next_watched_ = 0;
  ticks_to_look_ = 0;
  due_ns_ = now_ns;
}

void StateSampler::Finish(SamplingEnd end) {
  active_ = false;
  samples_.end = end;
  samples_.end_mono_ns = clock_->NowNs();
  uint32_t expected = kRunning;
  if (phase_.compare_exchange_strong(expected, kDone, std::memory_order_release, std::memory_order_relaxed)) return;
  phase_.store(kFree, std::memory_order_release);  // abandoned
}

void StateSampler::Tick(int64_t now_ns) {
  // Nothing that a CPU shows is believed from then on.
  if (LoadRelaxed(view_.controls->off) != 0) return Finish(SamplingEnd::kSwitchedOff);
  SkipMissed(now_ns);
  if (next_tick_ < tick_count_) {
    NoteLateness(now_ns - due_ns_);
    for (CpuSamples* samples = cpus_.get(); samples < cpus_.get() + cpu_count_; ++samples) SampleCpu(samples, now_ns);
    if (ticks_to_look_-- == 0) LookAtWatched();
    ++next_tick_;
    due_ns_ += samples_.interval_ns;
    samples_.tick_sum_ns += clock_->NowNs() - now_ns;
  }
  if (next_tick_ == tick_count_) Finish(SamplingEnd::kWhole);
}

// Those after which another was due already.
void StateSampler::SkipMissed(int64_t now_ns) {
  const int64_t late_ns = now_ns - due_ns_;
  if (late_ns < samples_.interval_ns) return;
  const uint64_t missed = std::min(static_cast<uint64_t>(late_ns / samples_.interval_ns), tick_count_ - next_tick_);
  next_tick_ += missed;
  due_ns_ += static_cast<int64_t>(missed) * samples_.interval_ns;
  samples_.due_count += missed;
  samples_.missed_count += missed;
}

void StateSampler::NoteLateness(int64_t late_ns) {
  ++samples_.due_count;
  ++(late_ns <= kOnTimeNs ? samples_.on_time_count : samples_.late_count);
  samples_.lateness_sum_ns += late_ns;
  samples_.lateness_max_ns = std::max(samples_.lateness_max_ns, late_ns);
  ++samples_.lateness[BucketOf(late_ns)];
}

void StateSampler::SampleCpu(CpuSamples* samples, int64_t now_ns) {
  const uint64_t position_before = samples->state.position;
  if (!samples->state.Read(view_, samples->cpu)) {
    ++samples->torn_count;
    return;
  }
  const CpuState& state = samples->state;
  ++samples->sample_count;
  if (state.position != position_before) NoteRunner(samples, now_ns);
  if (state.known && state.tid != 0 && now_ns - samples->run_since_ns > samples->longest_run_ns) {
    samples->longest_run_ns = now_ns - samples->run_since_ns;
    samples->longest_run_tid = state.tid;
  }
  if (state.active != 0) {
    NoteInterrupts(samples, now_ns);
  } else if (samples->running != nullptr) {
    ++samples->running->count;
  } else {
    ++(!state.known ? samples->unknown_count : state.tid == 0 ? samples->idle_count : samples->unlisted_count);
  }
}

void StateSampler::NoteRunner(CpuSamples* samples, int64_t now_ns) {
  const CpuState& state = samples->state;
  samples->run_since_ns = now_ns;
  samples->running = nullptr;
  if (!state.known || state.tid == 0) return;
  samples->running = samples->threads.Claim(state.tid, state.tgid);
  if (samples->running == nullptr || samples->running->count > 0 || state.tid >= view_.slot_of_tid.size()) return;
  const uint16_t slot = LoadRelaxed(view_.slot_of_tid[state.tid]);
  samples->running->watched = slot != HFT_NO_SLOT && slot < view_.slots.size() && IsWatchedSlot(view_, slot, state.tid, state.tgid);
}

void StateSampler::NoteInterrupts(CpuSamples* samples, int64_t now_ns) {
  const uint32_t active = samples->state.active;
  for (uint32_t level = HFT_LEVELS; level-- > 0;) {
    if ((active >> level & 1) == 0) continue;
    if (active >> level == 1) ++samples->level_count[level];  // the innermost one
    // It may have ended meanwhile, and another have begun: then it is 0, or later than now.
    const auto start_ns = static_cast<int64_t>(LoadRelaxed(view_.interrupts[samples->cpu].levels[level].start_ns));
    if (start_ns != 0) samples->longest_interrupt_ns = std::max(samples->longest_interrupt_ns, now_ns - start_ns);
  }
}

// The CPU that a watched thread waits for; -1 when it does not wait, or that is not known.
int StateSampler::WaitsFor(uint16_t slot) const {
  hft_thread_slot& state = view_.slots[slot];
  const uint64_t out_clock_ns = LoadRelaxed(state.out_clock_ns);
  if (out_clock_ns == 0) return -1;
  const hft_departure out = LoadDeparture(state);
  const auto kind = out.kind < HFT_SWITCH_KINDS ? static_cast<hft_switch_kind>(out.kind) : HFT_SWITCH_UNKNOWN;
  if (kind == HFT_SWITCH_UNKNOWN || kind == HFT_SWITCH_EXIT) return -1;
  if (!EndsWithWakeUp(kind)) return out.wait_migrations == 0 ? out.cpu : -1;
  if (wakers_ == nullptr || LoadRelaxed(state.wishes.waker) == 0) return -1;
  const WakerTable::Entry& woken = wakers_->At(slot);
  return static_cast<uint64_t>(woken.out_clock_ns) == out_clock_ns ? woken.wait_cpu : -1;
}

void StateSampler::LookAtWatched() {
  ticks_to_look_ = ticks_a_look_ - 1;
  if (samples_.watched_count == 0) return;
  const int cpu = WaitsFor(watched_.get()[next_watched_]);
  next_watched_ = next_watched_ + 1 == samples_.watched_count ? 0 : next_watched_ + 1;
  ++samples_.look_count;
  if (cpu < 0 || static_cast<size_t>(cpu) >= view_.cpus.size()) return;
  if (const uint16_t index = index_of_.get()[cpu]; index != kNotAsked) ++cpus_.get()[index].waiting_count;
}

}  // namespace hftmon
