#include "daemon/ingest/slot_sampler.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <iterator>
#include <new>
#include <type_traits>

#include "common/histogram.h"
#include "daemon/ring/shared_word.h"

namespace hftmon {

namespace {

template <typename Word, size_t N>
void CopyWords(Word (&from)[N], std::type_identity_t<Word> (&to)[N]) {
  for (size_t i = 0; i < N; ++i) to[i] = LoadRelaxed(from[i]);
}

// Counters of 32 bits count modulo 2^32; so does their difference.
template <size_t N>
void Differ(const uint32_t (&now)[N], const uint32_t (&before)[N], std::array<uint32_t, N>& out) {
  for (size_t i = 0; i < N; ++i) out[i] = now[i] - before[i];
}

template <typename T>
std::unique_ptr<T, void (*)(void*)> Zeroed(size_t count) {
  // calloc: zeroed memory that costs none until it is touched.
  std::unique_ptr<T, void (*)(void*)> memory(static_cast<T*>(std::calloc(count, sizeof(T))), &std::free);
  if (!memory) throw std::bad_alloc();
  return memory;
}

// Takes a maximum: what comes after it is the next reading's. Read first: a line that need not be written stays with the thread's CPU.
int64_t Exchange(__u64& word) {
  if (LoadRelaxed(word) == 0) return 0;
  // Acquire: the histogram is read after it.
  return static_cast<int64_t>(std::atomic_ref<__u64>(word).exchange(0, std::memory_order_acquire));
}

}  // namespace

SlotSampler::SlotSampler(const KernelView& view, WindowSink* sink, int64_t interval_ns, int64_t begin_mono_ns, StateSampler* states)
    : view_(view),
      sink_(sink),
      states_(states),
      slot_count_(static_cast<uint32_t>(view.slots.size())),
      interval_ns_(interval_ns),
      copies_(Zeroed<SlotCopy>(std::max(slot_count_, 1u))),
      page_copies_(Zeroed<PageCopy>(HFT_PAGES)),
      begin_mono_ns_(begin_mono_ns),
      due_since_ns_(begin_mono_ns) {
  delta_.run_queue.Reserve();
  delta_.off_cpu.Reserve();
}

void SlotSampler::RaiseHighWater(uint32_t slot) {
  if (slot >= slot_count_) return;
  // Relaxed: the number alone is told; what stands in the slot is published by its state.
  uint32_t known = high_water_.load(std::memory_order_relaxed);
  while (known < slot && !high_water_.compare_exchange_weak(known, slot, std::memory_order_relaxed)) {
  }
}

bool SlotSampler::Step(int64_t now_ns) {
  if (!walking_) {
    if (now_ns - due_since_ns_ < interval_ns()) return false;
    BeginWalk(now_ns);
  }
  if (walked_) {
    EndWalk(now_ns);
    return false;
  }
  pages_read_ = 0;
  const uint32_t end = std::min(walk_next_ + kSlotsPerStep, high_water() + 1);
  for (; walk_next_ < end && pages_read_ <= kPagesPerStep - kSlotPagesMax; ++walk_next_) {
    SampleSlot(walk_next_, end_mono_ns_);
    if (states_ != nullptr) states_->TickIfDue();
  }
  walked_ = walk_next_ > high_water() && !ExtendWalk();
  return true;
}

void SlotSampler::BeginWalk(int64_t now_ns) {
  walking_ = true;
  walk_next_ = 1;  // slot 0 is never given out
  end_mono_ns_ = now_ns;
  // Edges keep to their grid, unless the loop was away for a whole interval or more.
  due_since_ns_ += interval_ns();
  if (now_ns - due_since_ns_ >= interval_ns()) due_since_ns_ = now_ns;
}

// Slots in use above the highest known one: those that nobody told of, because their FORK record was lost.
bool SlotSampler::ExtendWalk() {
  const uint32_t known = high_water();
  const uint32_t above = std::min(known + 1 + kSlotsPerStep, slot_count_);
  if (AnyInUse(known + 1, above)) return true;
  if (probe_next_ < above || probe_next_ >= slot_count_) probe_next_ = above;
  const uint32_t probe_end = std::min(probe_next_ + kSlotsPerStep, slot_count_);
  const uint32_t probe_begin = probe_next_;
  probe_next_ = probe_end;
  return AnyInUse(probe_begin, probe_end);
}

bool SlotSampler::AnyInUse(uint32_t first, uint32_t end) {
  for (uint32_t i = end; i > first; --i) {
    if (LoadRelaxed(view_.slots[i - 1].state) == HFT_SLOT_FREE) continue;
    RaiseHighWater(i - 1);
    return true;
  }
  return false;
}

void SlotSampler::EndWalk(int64_t now_ns) {
  sink_->OnBucketClosed(begin_mono_ns_, end_mono_ns_, now_ns);
  begin_mono_ns_ = end_mono_ns_;
  walking_ = false;
  walked_ = false;
}

void SlotSampler::Flush(uint32_t slot, int64_t mono_ns, bool final) {
  if (slot == HFT_NO_SLOT || slot >= slot_count_) return;
  RaiseHighWater(slot);
  SampleSlot(slot, walking_ ? end_mono_ns_ : std::max(mono_ns, begin_mono_ns_));
  SlotCopy& copy = copies_.get()[slot];
  if (final && copy.followed) copy.final = true;
}

// What an earlier owner of the slot lost is not this thread's. Relaxed: each level stands for itself.
void SlotSampler::ReadInterrupted(uint32_t index, uint32_t generation, uint64_t (&out)[HFT_LEVELS]) const {
  std::fill(std::begin(out), std::end(out), uint64_t{0});
  if (index >= view_.stolen.size() || LoadRelaxed(view_.stolen[index].generation) != generation) return;
  for (size_t level = 0; level < HFT_LEVELS; ++level) out[level] = LoadRelaxed(view_.stolen[index].level_ns[level]);
}

// Two lines of the slot and one of what interrupts took. Each switch changes one of these words; a switch-in without a known switch-out
// that waited 0 ns does not, and is seen with the next switch.
bool SlotSampler::Unchanged(uint32_t index, const SlotCopy& last) {
  hft_thread_slot& slot = view_.slots[index];
  if (!last.followed || LoadRelaxed(slot.generation) != last.generation) return false;
  if (last.final) return true;
  return LoadRelaxed(slot.voluntary_count) == last.voluntary_count && LoadRelaxed(slot.involuntary_count) == last.involuntary_count &&
         LoadRelaxed(slot.off_cpu_count) == last.off_cpu_count && LoadRelaxed(slot.run_delay_ns) == last.run_delay_ns &&
         LoadRelaxed(slot.migration_count) == last.migration_count && LoadRelaxed(slot.discarded_count) == last.discarded_count &&
         LoadRelaxed(slot.tid) == last.tid && [&] {
           uint64_t interrupted_ns[HFT_LEVELS];
           ReadInterrupted(index, last.generation, interrupted_ns);
           return std::equal(std::begin(interrupted_ns), std::end(interrupted_ns), std::begin(last.interrupted_ns));
         }();
}

// False when the slot was being released or given out meanwhile.
bool SlotSampler::ReadSlot(uint32_t index, SlotReading* reading) {
  hft_thread_slot& slot = view_.slots[index];
  // Acquire: pairs with whoever sets the slot up and publishes it by its state.
  if (LoadAcquire(slot.state) == HFT_SLOT_FREE) return false;
  SlotCopy* out = &reading->counts;
  out->generation = LoadRelaxed(slot.generation);
  out->tid = LoadRelaxed(slot.tid);
  out->tgid = LoadRelaxed(slot.tgid);
  out->start_ns = static_cast<int64_t>(LoadRelaxed(slot.start_ns));
  out->voluntary_count = LoadRelaxed(slot.voluntary_count);
  out->involuntary_count = LoadRelaxed(slot.involuntary_count);
  out->run_delay_ns = LoadRelaxed(slot.run_delay_ns);
  out->off_cpu_ns = LoadRelaxed(slot.off_cpu_ns);
  out->off_cpu_count = LoadRelaxed(slot.off_cpu_count);
  out->migration_count = LoadRelaxed(slot.migration_count);
  out->discarded_count = LoadRelaxed(slot.discarded_count);
  ReadInterrupted(index, out->generation, out->interrupted_ns);
  CopyWords(slot.kind_count, out->kind_count);
  CopyWords(slot.depth, out->depth);
  // In this order: see WindowMaximum.
  reading->maxima[HFT_RUN_QUEUE].taken_ns = Exchange(slot.maxima.run_queue_ns);
  reading->maxima[HFT_OFF_CPU].taken_ns = Exchange(slot.maxima.off_cpu_ns);
  for (size_t octave = 0; octave < HFT_OCTAVE_ENTRIES; ++octave) CopyWords(slot.pages[octave], out->pages[octave]);
  CopyWords(slot.unbinned_count, out->unbinned_count);
  ReadPages(*out, reading);
  std::atomic_thread_fence(std::memory_order_acquire);
  reading->maxima[HFT_RUN_QUEUE].later_ns = static_cast<int64_t>(LoadRelaxed(slot.maxima.run_queue_ns));
  reading->maxima[HFT_OFF_CPU].later_ns = static_cast<int64_t>(LoadRelaxed(slot.maxima.off_cpu_ns));
  for (MaximumCarry& carry : out->maxima) carry = {};
  reading->base_voluntary_count = LoadRelaxed(slot.base_voluntary_count);
  reading->base_involuntary_count = LoadRelaxed(slot.base_involuntary_count);
  reading->base_run_delay_ns = LoadRelaxed(slot.base_run_delay_ns);
  // Keeps the copy above the second look at state and generation.
  std::atomic_thread_fence(std::memory_order_acquire);
  return LoadRelaxed(slot.state) != HFT_SLOT_FREE && LoadRelaxed(slot.generation) == out->generation;
}

// Two counts at a time: each half is as whole as if it were read alone.
void SlotSampler::ReadPages(const SlotCopy& counts, SlotReading* out) {
  using Word = uint64_t __attribute__((may_alias));
  for (size_t i = 0; i < kSlotPagesMax; ++i) {
    const uint16_t page = counts.pages[i / HFT_HISTOGRAMS][i % HFT_HISTOGRAMS];
    if (page == HFT_NO_PAGE) continue;
    ++pages_read_;
    auto* words = reinterpret_cast<Word*>(&view_.histogram_pool->pages[page]);
    PageCopy& copy = out->pages[i];
    for (size_t word = 0; word < kPageWords; ++word) copy[word] = __atomic_load_n(&words[word], __ATOMIC_RELAXED);
  }
}

// Makes the pages that were read the last ones known; what is new in them goes to `hits`, when it is wanted.
void SlotSampler::TakePages(const SlotCopy& last, size_t histogram, SparseHistogram* hits) {
  static_assert(std::endian::native == std::endian::little, "the lower half of a word is the first count");
  for (size_t octave = 0; octave < HFT_HISTOGRAM_OCTAVES; ++octave) {
    const uint16_t page = read_.counts.pages[octave][histogram];
    if (page == HFT_NO_PAGE) continue;
    PageCopy& before = page_copies_.get()[page];
    if (last.pages[octave][histogram] != page) before.fill(0);
    const PageCopy& now = read_.pages[octave * HFT_HISTOGRAMS + histogram];
    for (size_t word = 0; word < kPageWords; ++word) {
      if (now[word] == before[word]) continue;
      // Counters of 32 bits count modulo 2^32; so does their difference.
      const uint32_t low = static_cast<uint32_t>(now[word]) - static_cast<uint32_t>(before[word]);
      const uint32_t high = static_cast<uint32_t>(now[word] >> 32) - static_cast<uint32_t>(before[word] >> 32);
      before[word] = now[word];
      if (hits == nullptr) continue;
      const size_t bucket = octave * HFT_OCTAVE_BUCKETS + 2 * word;
      hits->Add(bucket, low);
      hits->Add(bucket + 1, high);
    }
  }
}

int64_t SlotSampler::TakeMaximum(const SlotCopy& last, size_t histogram, const SparseHistogram& hits, uint64_t unbinned_count) {
  const MaximumReading& reading = read_.maxima[histogram];
  read_.counts.maxima[histogram] = CarryOf(reading, last.maxima[histogram], hits, unbinned_count);
  return MaximumOf(reading, last.maxima[histogram], hits, unbinned_count);
}

// A thread that is new in this slot begins at its base: the kernel's totals when watching began, 0 for what is counted since.
void SlotSampler::Rebase(const SlotReading& read, SlotCopy* last) {
  *last = SlotCopy{};
  last->followed = true;
  last->generation = read.counts.generation;
  last->tid = read.counts.tid;
  last->tgid = read.counts.tgid;
  last->start_ns = read.counts.start_ns;
  last->voluntary_count = read.base_voluntary_count;
  last->involuntary_count = read.base_involuntary_count;
  last->run_delay_ns = read.base_run_delay_ns;
}

// False when nothing happened. Requires that no total of read_ is below `last`.
bool SlotSampler::FillDelta(const SlotCopy& last) {
  const SlotCopy& read = read_.counts;
  delta_.voluntary_count = read.voluntary_count - last.voluntary_count;
  delta_.involuntary_count = read.involuntary_count - last.involuntary_count;
  delta_.run_delay_ns = read.run_delay_ns - last.run_delay_ns;
  delta_.off_cpu_ns = read.off_cpu_ns - last.off_cpu_ns;
  delta_.off_cpu_count = read.off_cpu_count - last.off_cpu_count;
  delta_.migration_count = read.migration_count - last.migration_count;
  delta_.discarded_count = read.discarded_count - last.discarded_count;
  // A level that reads less than before has a writer that was between two of its words.
  for (size_t level = 0; level < HFT_LEVELS; ++level) {
    delta_.interrupted_ns[level] = std::max(read.interrupted_ns[level], last.interrupted_ns[level]) - last.interrupted_ns[level];
  }
  Differ(read.kind_count, last.kind_count, delta_.kind_count);
  Differ(read.depth, last.depth, delta_.depth);
  delta_.run_queue_unbinned_count = read.unbinned_count[HFT_RUN_QUEUE] - last.unbinned_count[HFT_RUN_QUEUE];
  delta_.off_cpu_unbinned_count = read.unbinned_count[HFT_OFF_CPU] - last.unbinned_count[HFT_OFF_CPU];
  delta_.run_queue.Clear();
  delta_.off_cpu.Clear();
  TakePages(last, HFT_RUN_QUEUE, &delta_.run_queue);
  TakePages(last, HFT_OFF_CPU, &delta_.off_cpu);
  delta_.run_queue_max_ns = TakeMaximum(last, HFT_RUN_QUEUE, delta_.run_queue, delta_.run_queue_unbinned_count);
  delta_.off_cpu_max_ns = TakeMaximum(last, HFT_OFF_CPU, delta_.off_cpu, delta_.off_cpu_unbinned_count);
  uint64_t any = delta_.voluntary_count | delta_.involuntary_count | delta_.run_delay_ns | delta_.off_cpu_count | delta_.migration_count |
                 delta_.discarded_count;
  for (const uint64_t taken_ns : delta_.interrupted_ns) any |= taken_ns;
  for (const uint32_t count : delta_.depth) any |= count;
  for (const uint32_t count : delta_.kind_count) any |= count;
  return any != 0;
}

void SlotSampler::SampleSlot(uint32_t index, int64_t end_ns) {
  SlotCopy& last = copies_.get()[index];
  if (Unchanged(index, last) || !ReadSlot(index, &read_)) return;
  const SlotCopy& read = read_.counts;
  if (!last.followed || last.generation != read.generation) {
    Rebase(read_, &last);
  }
  const auto backwards = [&] {
    return read.voluntary_count < last.voluntary_count || read.involuntary_count < last.involuntary_count ||
           read.run_delay_ns < last.run_delay_ns || read.off_cpu_count < last.off_cpu_count || read.migration_count < last.migration_count;
  };
  if (backwards()) {
    rebased_count_.store(rebased_count_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);  // single writer
    Rebase(read_, &last);
    if (backwards()) {  // not even its base fits: begin where it stands
      for (size_t histogram = 0; histogram < HFT_HISTOGRAMS; ++histogram) TakePages(last, histogram, nullptr);
      last = read;
      last.followed = true;
      last.final = false;
      return;
    }
  }
  // Under the identity it had when this began: an exec may have changed its tid since.
  delta_.thread = {last.tid, last.tgid, last.start_ns};
  delta_.slot = static_cast<uint16_t>(index);
  delta_.begin_mono_ns = begin_mono_ns_;
  delta_.end_mono_ns = end_ns;
  const bool active = FillDelta(last);
  last = read;
  last.followed = true;
  last.final = false;
  if (active) sink_->OnThreadDelta(delta_);
}

}  // namespace hftmon
