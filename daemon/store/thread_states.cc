#include "daemon/store/thread_states.h"

#include <cstdlib>
#include <new>

#include "daemon/ring/shared_word.h"

namespace hftmon {
namespace {

template <typename T>
std::unique_ptr<T, void (*)(void*)> Zeroed(size_t count) {
  std::unique_ptr<T, void (*)(void*)> memory(static_cast<T*>(std::calloc(count, sizeof(T))), &std::free);
  if (!memory) throw std::bad_alloc();
  return memory;
}

void Store(uint64_t& word, uint64_t value) {
  std::atomic_ref<uint64_t>(word).store(value, std::memory_order_release);  // see invariant 2
}

}  // namespace

ThreadStates::ThreadStates(std::span<hft_thread_slot> slots, WindowSink* next)
    : slots_(slots), next_(next), cells_(Zeroed<Cells>(slots.size() + 1)) {}

void ThreadStates::OnThreadDelta(const ThreadDelta& delta) {
  next_->OnThreadDelta(delta);
  if (delta.slot >= slots_.size()) return;
  hft_thread_slot& slot = slots_[delta.slot];
  const uint64_t out_clock_ns = LoadRelaxed(slot.out_clock_ns);
  Cells& cells = cells_.get()[delta.slot];
  // The oldest goes.
  Cell* cell = &cells[0];
  for (Cell& other : cells) {
    if (other.sequence < cell->sequence) cell = &other;  // the writer reads its own words
  }
  const uint64_t sequence = 2 * ++noted_count_;
  Store(cell->sequence, sequence - 1);
  Store(cell->words[0], delta.thread.tid | static_cast<uint64_t>(delta.thread.tgid) << 32);
  Store(cell->words[1], static_cast<uint64_t>(delta.thread.start_ns));
  Store(cell->words[2], static_cast<uint64_t>(delta.begin_mono_ns));
  Store(cell->words[3], static_cast<uint64_t>(delta.end_mono_ns));
  Store(cell->words[4], out_clock_ns);
  Store(cell->words[5], LoadRelaxed(slot.out.cpu) | static_cast<uint64_t>(LoadRelaxed(slot.out.kind)) << 16);
  Store(cell->sequence, sequence);
  if (high_water_.load(std::memory_order_relaxed) < delta.slot) high_water_.store(delta.slot, std::memory_order_relaxed);
}

void ThreadStates::OnBucketClosed(int64_t begin_mono_ns, int64_t end_mono_ns, int64_t read_until_mono_ns) {
  next_->OnBucketClosed(begin_mono_ns, end_mono_ns, read_until_mono_ns);
}

void ThreadStates::OnLife(const LifeEvent& event) {
  if (event.kind == LifeKind::kEnded) ends_.Append({.thread = event.thread, .mono_ns = event.mono_ns});
}

std::optional<ThreadState> ThreadStates::Read(Cell& cell) const {
  const uint64_t sequence = LoadAcquire(cell.sequence);
  if (sequence == 0 || sequence % 2 != 0) return std::nullopt;
  std::array<uint64_t, kWords> words;
  for (size_t i = 0; i < kWords; ++i) words[i] = LoadAcquire(cell.words[i]);  // see invariant 2
  if (LoadRelaxed(cell.sequence) != sequence) return std::nullopt;
  ThreadState state;
  state.thread.tid = static_cast<uint32_t>(words[0]);
  state.thread.tgid = static_cast<uint32_t>(words[0] >> 32);
  state.thread.start_ns = static_cast<int64_t>(words[1]);
  state.number = sequence / 2;
  state.bucket_begin_ns = static_cast<int64_t>(words[2]);
  state.bucket_end_ns = static_cast<int64_t>(words[3]);
  state.out_clock_ns = static_cast<int64_t>(words[4]);
  state.out_cpu = static_cast<uint16_t>(words[5]);
  state.out_kind = static_cast<hft_switch_kind>(words[5] >> 16);
  return state;
}

ThreadStates::ByThread<ThreadState> ThreadStates::At(int64_t mono_ns) const {
  ByThread<ThreadState> states;
  const uint32_t high_water = high_water_.load(std::memory_order_relaxed);
  for (uint32_t slot = 1; slot <= high_water; ++slot) {
    for (Cell& cell : cells_.get()[slot]) {
      const std::optional<ThreadState> state = Read(cell);
      if (!state || state->bucket_end_ns > mono_ns) continue;
      const auto [place, is_new] = states.try_emplace(state->thread, *state);
      if (!is_new && place->second.number < state->number) place->second = *state;
    }
  }
  return states;
}

ThreadStates::ByThread<int64_t> ThreadStates::Ends() const {
  ByThread<int64_t> ends;
  ThreadEnd end;
  for (uint64_t i = ends_.begin(); i < ends_.end(); ++i) {
    if (ends_.Read(i, &end) == SeqRead::kOk) ends[end.thread] = end.mono_ns;
  }
  return ends;
}

}  // namespace hftmon
