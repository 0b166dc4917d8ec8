// PerfAuxWriter: the side of the hardware and its driver of a perf event's AUX memory: bytes there, then a record in the ring that tells of
// them, then the head. One thread.
#ifndef HFTMON_TESTS_FAKES_PERF_AUX_WRITER_H_
#define HFTMON_TESTS_FAKES_PERF_AUX_WRITER_H_

#include <linux/perf_event.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "common/perf/perf_aux_records.h"
#include "tests/common/perf/perf_data_writer.h"
#include "tests/fakes/perf_ring_writer.h"

namespace hftmon {

class PerfAuxWriter {
 public:
  static constexpr uint64_t kSampleType = PerfSampleBit::kTid | PerfSampleBit::kTime | PerfSampleBit::kCpu;

  // Both begin at `position`, as if so much had been written and read.
  PerfAuxWriter(std::span<std::byte> ring_memory, std::span<std::byte> data, PerfRingWriter* ring, uint64_t position = 0)
      : page_(reinterpret_cast<perf_event_mmap_page*>(ring_memory.data())), data_(data), ring_(ring) {
    SetHead(position);
    page_->aux_tail = position;
  }

  // As the driver has it: a stretch is told once it is whole. False: there was no room, which is told too, and the event is off then.
  bool Write(std::span<const std::byte> bytes, const WrittenSample& who, uint64_t flags = 0) {
    if (bytes.size() >= data_.size() - (head_ - tail())) {
      Tell(0, flags | PerfAux::kTruncated, who);
      return false;
    }
    Put(bytes);
    Tell(bytes.size(), flags, who);
    SetHead(head_ + bytes.size());
    return true;
  }
  // What the driver fills up with, and no record tells.
  void Pad(size_t bytes) {
    Put(Bytes(bytes));
    SetHead(head_ + bytes);
  }
  // The parts of it, each by itself and without a look at what was read: bytes from the head on, a record of so many of them, the head.
  void Put(std::span<const std::byte> bytes) {
    uint64_t at = head_;
    for (const std::byte byte : bytes) data_[at++ & (data_.size() - 1)] = byte;
  }
  bool Tell(uint64_t bytes, uint64_t flags, const WrittenSample& who) { return TellOf(head_, bytes, flags, who); }
  bool TellOf(uint64_t offset, uint64_t bytes, uint64_t flags, const WrittenSample& who) {
    ByteWriter body;
    body.Append(WordsBody({offset, bytes, flags})).Append(TrailerBytes(PlainAttr(kSampleType), who));
    return ring_->Write(RecordBytes(PerfRecordType::kAux, 0, body.bytes));
  }
  void SetHead(uint64_t head) { std::atomic_ref<__u64>(page_->aux_head).store(head_ = head, std::memory_order_release); }
  uint64_t head() const { return head_; }
  uint64_t tail() const { return std::atomic_ref<__u64>(page_->aux_tail).load(std::memory_order_acquire); }

 private:
  perf_event_mmap_page* page_;
  std::span<std::byte> data_;
  PerfRingWriter* ring_;
  uint64_t head_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_FAKES_PERF_AUX_WRITER_H_
