// PerfRingWriter: the kernel's side of a ring of perf records: writes where the reader has done with reading, and tells what found no room
// with the next record that does. One thread.
#ifndef HFTMON_TESTS_FAKES_PERF_RING_WRITER_H_
#define HFTMON_TESTS_FAKES_PERF_RING_WRITER_H_

#include <linux/perf_event.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "common/perf/perf_record.h"
#include "tests/common/perf/perf_data_writer.h"

namespace hftmon {

class PerfRingWriter {
 public:
  static constexpr size_t kPageBytes = 4096;

  // `memory` is a page and the ring; both begin at `position`, as if so much had been written and read.
  explicit PerfRingWriter(std::span<std::byte> memory, uint64_t position = 0)
      : page_(reinterpret_cast<perf_event_mmap_page*>(memory.data())), data_(memory.subspan(kPageBytes)), head_(position) {
    page_->data_offset = kPageBytes;
    page_->data_size = data_.size();
    page_->data_head = position;
    page_->data_tail = position;
  }

  // False: it found no room.
  bool Write(std::span<const std::byte> record) {
    const Bytes lost = lost_ == 0 ? Bytes() : RecordBytes(PerfRecordType::kLost, 0, WordsBody({kEventId, lost_}));
    if (lost.size() + record.size() > data_.size() - (head_ - tail())) {
      ++lost_;
      return false;
    }
    lost_ = 0;
    Put(lost);
    Put(record);
    SetHead(head_);
    return true;
  }
  // Without a look at what was read.
  void Put(std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes) data_[head_++ & (data_.size() - 1)] = byte;
  }
  void SetHead(uint64_t head) { std::atomic_ref<__u64>(page_->data_head).store(head_ = head, std::memory_order_release); }
  uint64_t head() const { return head_; }
  uint64_t tail() const { return std::atomic_ref<__u64>(page_->data_tail).load(std::memory_order_acquire); }

 private:
  static constexpr uint64_t kEventId = 77;

  perf_event_mmap_page* page_;
  std::span<std::byte> data_;
  uint64_t head_;
  uint64_t lost_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_FAKES_PERF_RING_WRITER_H_
