// Writers of perf's formats, byte by byte and apart from the reader's code: the source of files for its tests. Nothing is checked: what a
// test asks for, sound or not, is written.
#ifndef HFTMON_TESTS_COMMON_PERF_PERF_DATA_WRITER_H_
#define HFTMON_TESTS_COMMON_PERF_PERF_DATA_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/perf/perf_attr.h"
#include "common/perf/perf_record.h"

namespace hftmon {

using Bytes = std::vector<std::byte>;

class ByteWriter {
 public:
  template <typename T>
  ByteWriter& Put(T value) {
    const auto* from = reinterpret_cast<const std::byte*>(&value);
    bytes.insert(bytes.end(), from, from + sizeof(value));
    return *this;
  }
  ByteWriter& Append(std::span<const std::byte> more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
    return *this;
  }
  ByteWriter& Text(std::string_view text, size_t padded_to = 8);  // with its NUL
  ByteWriter& SizedText(std::string_view text);                   // as features have it: u32 length with the padding
  ByteWriter& Fill(size_t count, uint8_t value = 0);

  Bytes bytes;
};

// A value of a counter in a sample: value, id, lost.
struct WrittenValue {
  uint64_t value = 0;
  uint64_t id = 0;
  uint64_t lost = 0;
};

// A sample's fields; what the attr does not ask for is left out.
struct WrittenSample {
  uint64_t id = 0, ip = 0, time_ns = 0, address = 0, stream_id = 0, period = 0;
  uint32_t pid = 0, tid = 0, cpu = 0;
  uint64_t enabled_ns = 0, running_ns = 0;
  std::vector<WrittenValue> values = {{}};  // one, or the group's
  std::vector<uint64_t> callchain;
  Bytes raw;  // of 4 bytes more than a multiple of 8, as the kernel pads it
  uint64_t branch_index = 0;
  std::vector<uint64_t> branches;  // three a branch
  std::vector<uint64_t> branch_counters;
  bool leave_out_index_of_no_branches = false;
  uint64_t user_abi = 0, interrupt_abi = 0;
  std::vector<uint64_t> user_registers, interrupt_registers;
  Bytes user_stack;
  uint64_t user_stack_copied = 0;
  uint64_t weight = 0;
  uint16_t weight2 = 0, weight3 = 0;
  uint64_t data_source = 0, transaction = 0, physical_address = 0, cgroup = 0, data_page_bytes = 0, code_page_bytes = 0;
  Bytes aux;
};

// attr.size bytes: fields beyond are left out, and what a newer kernel would append is 0xee.
Bytes AttrBytes(const PerfAttr& attr);
Bytes SampleBody(const PerfAttr& attr, const WrittenSample& sample);
// Empty without sample_id_all.
Bytes TrailerBytes(const PerfAttr& attr, const WrittenSample& sample);
Bytes RecordBytes(PerfRecordType type, uint16_t misc, std::span<const std::byte> body);

struct WrittenEvent {
  PerfAttr attr;
  std::vector<uint64_t> ids;
  std::string name;
};

// A whole recording: events, features and records in the order in which they were added, to be written as a file or as what goes into a
// pipe.
class PerfDataWriter {
 public:
  size_t AddEvent(const PerfAttr& attr, std::vector<uint64_t> ids, std::string name);
  void AddSample(size_t event, const WrittenSample& sample, uint16_t misc = 2);
  // With the event's trailer behind `body`, of the fields of `who`.
  void AddKernelRecord(size_t event, PerfRecordType type, uint16_t misc, std::span<const std::byte> body, const WrittenSample& who = {});
  void AddRecord(PerfRecordType type, std::span<const std::byte> body, uint16_t misc = 0);
  void AddBytes(std::span<const std::byte> bytes);  // to the records: what follows one, or is none
  void AddFeature(uint32_t number, Bytes payload);
  // EVENT_DESC of the events so far, GROUP_DESC is the test's own.
  void AddEventDescriptions();
  void AddTextFeature(uint32_t number, std::string_view text);

  Bytes File() const;
  Bytes Pipe() const;
  const Bytes& records() const { return records_; }
  const std::vector<WrittenEvent>& events() const { return events_; }

 private:
  std::vector<WrittenEvent> events_;
  std::map<uint32_t, Bytes> features_;
  Bytes records_;
};

// Bodies of the kernel's records, without the trailer.
Bytes MmapBody(uint32_t pid, uint64_t start, uint64_t bytes, uint64_t file_offset, std::string_view name);
Bytes Mmap2Body(uint32_t pid, uint64_t start, uint64_t bytes, uint64_t inode, uint32_t flags, std::string_view name);
Bytes CommBody(uint32_t pid, uint32_t tid, std::string_view name);
Bytes TaskBody(uint32_t pid, uint32_t parent_pid, uint32_t tid, uint32_t parent_tid, uint64_t time_ns);
Bytes WordsBody(std::initializer_list<uint64_t> words);

// An attr of the newest size whose records have trailers.
PerfAttr PlainAttr(uint64_t sample_type, uint32_t size = 136);

}  // namespace hftmon

#endif  // HFTMON_TESTS_COMMON_PERF_PERF_DATA_WRITER_H_
