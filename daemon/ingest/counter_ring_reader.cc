#include "daemon/ingest/counter_ring_reader.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <utility>

namespace hftmon {
namespace {

static_assert(kThreadCountersMax == HFT_THREAD_COUNTERS);

// Acquire: what was stored before the position is seen by every load after this one.
uint64_t LoadPosition(const hft_cpu_counters& cpu) {
  return std::atomic_ref<__u64>(const_cast<__u64&>(cpu.position)).load(std::memory_order_acquire);
}

// Acquire: pairs with the writer's exchange, which published the span.
uint32_t LoadSequence(const hft_counter_span& span) {
  return std::atomic_ref<__u32>(const_cast<__u32&>(span.sequence)).load(std::memory_order_acquire);
}

}  // namespace

CounterRingReader::CounterRingReader(Parts parts) : parts_(std::move(parts)), rings_(parts_.view.cpu_counters.size()) {
  for (size_t cpu = 0; cpu < rings_.size(); ++cpu) rings_[cpu].read_position = LoadPosition(parts_.view.cpu_counters[cpu]);
}

CounterRingReader::Look CounterRingReader::Drain(int64_t now_mono_ns) {
  Look look;
  if (DrainAll(now_mono_ns, &look)) return look;
  // The earlier set's last spans were all written before the first one of the next was: also those of rings that were read before it.
  DrainAll(now_mono_ns, &look);
  const CounterSet set = parts_.set();
  if (set.number == announced_) return look;
  announced_ = set.number;
  parts_.sink->OnCounterSet(set);
  DrainAll(now_mono_ns, &look);
  return look;
}

bool CounterRingReader::DrainAll(int64_t now_mono_ns, Look* look) {
  bool all = true;
  for (size_t cpu = 0; cpu < rings_.size(); ++cpu) all &= DrainRing(static_cast<uint16_t>(cpu), now_mono_ns, look);
  return all;
}

bool CounterRingReader::DrainRing(uint16_t cpu, int64_t now_mono_ns, Look* look) {
  Ring& ring = rings_[cpu];
  const uint64_t end = LoadPosition(parts_.view.cpu_counters[cpu]);
  const uint64_t capacity = parts_.view.counter_ring_spans;
  look->crowded = look->crowded || end - ring.read_position > capacity / 2;
  if (end - ring.read_position > capacity) {
    ring.lost_count += end - capacity - ring.read_position;
    ring.read_position = end - capacity;
  }
  bool all = true;
  for (; ring.read_position < end; ++ring.read_position) {
    hft_counter_span span;
    if (!Copy(cpu, ring.read_position, &span)) {
      ++ring.lost_count;
      continue;
    }
    const uint32_t set = SetOf(span);
    if (static_cast<int32_t>(set - announced_) > 0) {
      all = false;
      break;
    }
    if (set != announced_) {
      ++ring.lost_count;
      continue;
    }
    TellLoss(cpu, static_cast<int64_t>(span.end_ns), look);
    TellSpan(cpu, span, look);
  }
  if (all) TellLoss(cpu, now_mono_ns, look);
  return all;
}

// False: it was written over meanwhile.
bool CounterRingReader::Copy(uint16_t cpu, uint64_t position, hft_counter_span* span) const {
  const uint64_t capacity = parts_.view.counter_ring_spans;
  const hft_counter_span& written = parts_.view.counter_spans[cpu * capacity + (position & (capacity - 1))];
  const auto sequence = static_cast<uint32_t>(position + 1);
  if (LoadSequence(written) != sequence) return false;
  using Word = uint64_t __attribute__((may_alias));
  std::array<uint64_t, sizeof(*span) / sizeof(uint64_t)> words;
  const Word* from = reinterpret_cast<const Word*>(&written);
  for (size_t word = 0; word < words.size(); ++word) words[word] = __atomic_load_n(&from[word], __ATOMIC_RELAXED);
  *span = std::bit_cast<hft_counter_span>(words);
  // Keeps the loads above the second look.
  std::atomic_thread_fence(std::memory_order_acquire);
  return LoadSequence(written) == sequence;
}

// A span has the low bits alone; sets of one time are near each other.
uint32_t CounterRingReader::SetOf(const hft_counter_span& span) const {
  const auto distance = static_cast<int16_t>(static_cast<uint16_t>(span.set - announced_));
  return announced_ + static_cast<uint32_t>(static_cast<int32_t>(distance));
}

void CounterRingReader::TellLoss(uint16_t cpu, int64_t end_mono_ns, Look* look) {
  Ring& ring = rings_[cpu];
  if (ring.lost_count == 0) return;
  look->lost_count += ring.lost_count;
  parts_.sink->OnCounterLoss(cpu, ring.lost_count, ring.told_until_ns, std::max(end_mono_ns, ring.told_until_ns));
  ring.lost_count = 0;
  ring.told_until_ns = std::max(end_mono_ns, ring.told_until_ns);
}

void CounterRingReader::TellSpan(uint16_t cpu, const hft_counter_span& span, Look* look) {
  CounterSpan told{.thread = {.tid = span.tid, .tgid = span.tgid, .start_ns = static_cast<int64_t>(span.start_ns)},
                   .set = announced_,
                   .cpu = cpu,
                   .counted = static_cast<uint16_t>(span.counted),
                   .begin_mono_ns = static_cast<int64_t>(span.begin_ns),
                   .end_mono_ns = static_cast<int64_t>(span.end_ns),
                   .on_cpu_ns = static_cast<int64_t>(span.on_cpu_ns),
                   .enabled_ns = static_cast<int64_t>(span.enabled_ns),
                   .running_ns = static_cast<int64_t>(span.running_ns)};
  std::copy(std::begin(span.values), std::end(span.values), told.values.begin());
  parts_.sink->OnCounterSpan(told);
  // A span that its thread left elsewhere ended before others of this ring.
  int64_t& told_until_ns = rings_[cpu].told_until_ns;
  told_until_ns = std::max(told_until_ns, told.end_mono_ns);
  ++look->span_count;
}

}  // namespace hftmon
