#include "daemon/store/delta_entry.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace hftmon {
namespace {

constexpr size_t kOctave = 8;
constexpr size_t kOctaves = HFT_HISTOGRAM_BUCKETS / kOctave;
static_assert(HFT_HISTOGRAM_BUCKETS % kOctave == 0 && kOctaves <= 31, "the mask of octaves has 32 bits");
static_assert(HFT_SWITCH_KINDS <= 8 && HFT_DEPTH_BUCKETS <= 32);

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

  template <typename Counts>
  void Histogram(const Counts& counts) {
    uint8_t* room = Room<uint32_t>();
    uint32_t octaves = 0;
    for (size_t octave = 0; octave < kOctaves; ++octave) {
      const auto* eight = &counts[octave * kOctave];
      // One test for eight buckets: most octaves are empty.
      if ((eight[0] | eight[1] | eight[2] | eight[3] | eight[4] | eight[5] | eight[6] | eight[7]) == 0) continue;
      octaves |= 1u << octave;
      uint8_t* mask_room = Room<uint8_t>();
      uint8_t mask = 0;
      for (size_t i = 0; i < kOctave; ++i) {
        if (eight[i] == 0) continue;
        mask = static_cast<uint8_t>(mask | (1u << i));
        Varint(eight[i]);
      }
      *mask_room = mask;
    }
    std::memcpy(room, &octaves, sizeof(octaves));
  }

  uint8_t* at() const { return at_; }

 private:
  uint8_t* at_;
};

class Reader {
 public:
  explicit Reader(const uint8_t* at) : at_(at) {}

  uint64_t Varint() {
    uint64_t value = *at_ & 0x7f;
    for (int shift = 7; (*at_++ & 0x80) != 0 && shift < 64; shift += 7) value |= static_cast<uint64_t>(*at_ & 0x7f) << shift;
    return value;
  }

  template <typename Mask>
  Mask Load() {
    Mask mask;
    std::memcpy(&mask, at_, sizeof(mask));
    at_ += sizeof(mask);
    return mask;
  }

  template <typename Mask>
  void AddSparse(uint64_t* counts) {
    for (uint32_t mask = Load<Mask>(); mask != 0; mask &= mask - 1) counts[std::countr_zero(mask)] += Varint();
  }

  void AddHistogram(uint64_t* counts) {
    for (uint32_t octaves = Load<uint32_t>(); octaves != 0; octaves &= octaves - 1) {
      AddSparse<uint8_t>(counts + static_cast<size_t>(std::countr_zero(octaves)) * kOctave);
    }
  }

 private:
  const uint8_t* at_;
};

uint64_t NotNegative(int64_t value) {
  return value > 0 ? static_cast<uint64_t>(value) : 0;
}

template <typename Sums>
size_t Encode(const Sums& sums, uint16_t slot, EntryWords* words) {
  Writer writer(reinterpret_cast<uint8_t*>(words->data() + kEntryHeadWords));
  const std::array<uint64_t, 9> scalars = {sums.voluntary_count,
                                           sums.involuntary_count,
                                           sums.run_delay_ns,
                                           sums.off_cpu_ns,
                                           sums.off_cpu_count,
                                           sums.migration_count,
                                           sums.discarded_count,
                                           NotNegative(sums.run_queue_max_ns),
                                           NotNegative(sums.off_cpu_max_ns)};
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

void AddEntry(const uint64_t* words, ThreadWindow* sum) {
  Reader reader(reinterpret_cast<const uint8_t*>(words + kEntryHeadWords));
  std::array<uint64_t, 9> scalars{};
  reader.AddSparse<uint16_t>(scalars.data());
  sum->voluntary_count += scalars[0];
  sum->involuntary_count += scalars[1];
  sum->run_delay_ns += scalars[2];
  sum->off_cpu_ns += scalars[3];
  sum->off_cpu_count += scalars[4];
  sum->migration_count += scalars[5];
  sum->discarded_count += scalars[6];
  sum->run_queue_max_ns = std::max(sum->run_queue_max_ns, static_cast<int64_t>(scalars[7]));
  sum->off_cpu_max_ns = std::max(sum->off_cpu_max_ns, static_cast<int64_t>(scalars[8]));
  reader.AddSparse<uint8_t>(sum->kind_count.data());
  reader.AddSparse<uint32_t>(sum->depth.data());
  reader.AddHistogram(sum->run_queue.data());
  reader.AddHistogram(sum->off_cpu.data());
}

}  // namespace hftmon
