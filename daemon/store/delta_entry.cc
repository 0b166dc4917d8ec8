#include "daemon/store/delta_entry.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <span>

namespace hftmon {
namespace {

static_assert(HFT_SWITCH_KINDS <= 8 && HFT_DEPTH_BUCKETS <= 32);
static_assert(kEntryScalars <= 16);

class Writer {
 public:
  explicit Writer(uint8_t* at) : at_(at) {}

  void Varint(uint64_t value) {
    while (value >= 0x80) {
      *at_++ = static_cast<uint8_t>(value | 0x80);
      value >>= 7;
    }
    *at_++ = static_cast<uint8_t>(value);
  }

  // Leaves room for a mask that is known only after what it announces.
  template <typename Mask>
  uint8_t* Room() {
    uint8_t* room = at_;
    at_ += sizeof(Mask);
    return room;
  }

  template <typename Mask, typename Counts>
  void Sparse(const Counts& counts) {
    uint8_t* room = Room<Mask>();
    Mask mask = 0;
    for (size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] == 0) continue;
      mask = static_cast<Mask>(mask | (Mask{1} << i));
      Varint(counts[i]);
    }
    std::memcpy(room, &mask, sizeof(mask));
  }

  void Histogram(const SparseHistogram& counts) {
    size_t next = 0;
    counts.ForEach([&](size_t bucket, uint64_t count) {
      Varint((bucket - next + 1) << 1 | (count != 1 ? 1 : 0));
      if (count != 1) Varint(count);
      next = bucket + 1;
    });
    Varint(0);
  }

  uint8_t* at() const { return at_; }

 private:
  uint8_t* at_;
};

// Never reads beyond the entry, whatever stands in it.
class Reader {
 public:
  Reader(const uint8_t* at, const uint8_t* end) : at_(at), end_(end) {}

  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ == end_) break;
      value |= static_cast<uint64_t>(*at_ & 0x7f) << shift;
      if ((*at_++ & 0x80) == 0) return value;
    }
    whole_ = false;
    return 0;
  }

  template <typename Mask>
  Mask Load() {
    Mask mask = 0;
    if (end_ - at_ < static_cast<std::ptrdiff_t>(sizeof(mask))) {
      whole_ = false;
      return 0;
    }
    std::memcpy(&mask, at_, sizeof(mask));
    at_ += sizeof(mask);
    return mask;
  }

  template <typename Mask>
  void AddSparse(std::span<uint64_t> counts) {
    for (uint32_t mask = Load<Mask>(); mask != 0; mask &= mask - 1) {
      const auto i = static_cast<size_t>(std::countr_zero(mask));
      if (i >= counts.size()) {
        whole_ = false;
        return;
      }
      counts[i] += Varint();
    }
  }

  void AddHistogram(SparseHistogram* counts) {
    SparseHistogram::Appender appender(counts);
    size_t next = 0;
    for (uint64_t token = Varint(); token != 0; token = Varint()) {
      const uint64_t count = (token & 1) != 0 ? Varint() : 1;
      const uint64_t step = token >> 1;
      if (step == 0 || step > kHistogramBuckets - next) {
        whole_ = false;
        return;
      }
      next += step;
      appender.Add(next - 1, count);
    }
  }

  bool whole() const { return whole_; }

 private:
  const uint8_t* at_;
  const uint8_t* const end_;
  bool whole_ = true;
};

uint64_t NotNegative(int64_t value) {
  return value > 0 ? static_cast<uint64_t>(value) : 0;
}

template <typename Sums>
size_t Encode(const Sums& sums, uint16_t slot, EntryWords* words) {
  Writer writer(reinterpret_cast<uint8_t*>(words->data() + kEntryHeadWords));
  const std::array<uint64_t, kEntryScalars> scalars = {sums.voluntary_count,
                                                       sums.involuntary_count,
                                                       sums.run_delay_ns,
                                                       sums.off_cpu_ns,
                                                       sums.off_cpu_count,
                                                       sums.migration_count,
                                                       sums.discarded_count,
                                                       NotNegative(sums.run_queue_max_ns),
                                                       NotNegative(sums.off_cpu_max_ns),
                                                       sums.run_queue_unbinned_count,
                                                       sums.off_cpu_unbinned_count,
                                                       sums.interrupted_ns[HFT_LEVEL_SOFTIRQ],
                                                       sums.interrupted_ns[HFT_LEVEL_HARD],
                                                       sums.interrupted_ns[HFT_LEVEL_NMI]};
  writer.template Sparse<uint16_t>(scalars);
  writer.template Sparse<uint8_t>(sums.kind_count);
  writer.template Sparse<uint32_t>(sums.depth);
  writer.Histogram(sums.run_queue);
  writer.Histogram(sums.off_cpu);

  const auto* begin = reinterpret_cast<const uint8_t*>(words->data());
  const auto byte_count = static_cast<size_t>(writer.at() - begin);
  const size_t word_count = (byte_count + 7) / 8;
  std::memset(writer.at(), 0, word_count * 8 - byte_count);
  (*words)[0] = slot | (static_cast<uint64_t>(word_count) << 16);
  (*words)[1] = sums.thread.tid | (static_cast<uint64_t>(sums.thread.tgid) << 32);
  (*words)[2] = static_cast<uint64_t>(sums.thread.start_ns);
  return word_count;
}

}  // namespace

size_t EncodeEntry(const ThreadDelta& delta, uint16_t slot, EntryWords* words) {
  return Encode(delta, slot, words);
}

size_t EncodeEntry(const ThreadWindow& sum, uint16_t slot, EntryWords* words) {
  return Encode(sum, slot, words);
}

bool AddEntry(const uint64_t* words, ThreadWindow* sum) {
  const size_t word_count = ReadEntryHead(words).word_count;
  if (word_count < kEntryHeadWords) return false;
  Reader reader(reinterpret_cast<const uint8_t*>(words + kEntryHeadWords), reinterpret_cast<const uint8_t*>(words + word_count));
  std::array<uint64_t, kEntryScalars> scalars{};
  reader.AddSparse<uint16_t>(scalars);
  sum->voluntary_count += scalars[0];
  sum->involuntary_count += scalars[1];
  sum->run_delay_ns += scalars[2];
  sum->off_cpu_ns += scalars[3];
  sum->off_cpu_count += scalars[4];
  sum->migration_count += scalars[5];
  sum->discarded_count += scalars[6];
  sum->run_queue_max_ns = std::max(sum->run_queue_max_ns, static_cast<int64_t>(scalars[7]));
  sum->off_cpu_max_ns = std::max(sum->off_cpu_max_ns, static_cast<int64_t>(scalars[8]));
  sum->run_queue_unbinned_count += scalars[9];
  sum->off_cpu_unbinned_count += scalars[10];
  for (size_t level = 0; level < HFT_LEVELS; ++level) sum->interrupted_ns[level] += scalars[11 + level];
  reader.AddSparse<uint8_t>(sum->kind_count);
  reader.AddSparse<uint32_t>(sum->depth);
  reader.AddHistogram(&sum->run_queue);
  reader.AddHistogram(&sum->off_cpu);
  return reader.whole();
}

}  // namespace hftmon
