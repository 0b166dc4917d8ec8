#include "tests/common/perf/perf_data_writer.h"

#include <algorithm>

namespace hftmon {
namespace {

constexpr size_t kHeaderBytes = 104;
constexpr uint64_t kSampleIdAll = 1u << 18;

void PutWords(ByteWriter* to, const std::vector<uint64_t>& words) {
  for (const uint64_t word : words) to->Put(word);
}

void PutReading(const PerfAttr& attr, const WrittenSample& sample, ByteWriter* to) {
  const bool group = attr.Reads(PerfReadBit::kGroup);
  if (group) to->Put<uint64_t>(sample.values.size());
  if (!group) to->Put(sample.values.front().value);
  if (attr.Reads(PerfReadBit::kEnabled)) to->Put(sample.enabled_ns);
  if (attr.Reads(PerfReadBit::kRunning)) to->Put(sample.running_ns);
  for (const WrittenValue& value : sample.values) {
    if (group) to->Put(value.value);
    if (attr.Reads(PerfReadBit::kId)) to->Put(value.id);
    if (attr.Reads(PerfReadBit::kLost)) to->Put(value.lost);
    if (!group) break;
  }
}

void PutBranches(const PerfAttr& attr, const WrittenSample& sample, ByteWriter* to) {
  to->Put<uint64_t>(sample.branches.size() / 3);
  const bool index = (attr.branch_sample_type & 1u << 17) != 0 && !(sample.branches.empty() && sample.leave_out_index_of_no_branches);
  if (index) to->Put(sample.branch_index);
  PutWords(to, sample.branches);
  if ((attr.branch_sample_type & 1u << 19) != 0) PutWords(to, sample.branch_counters);
}

void PutRegisters(uint64_t abi, const std::vector<uint64_t>& registers, ByteWriter* to) {
  to->Put(abi);
  if (abi != 0) PutWords(to, registers);
}

void PutUserStack(const WrittenSample& sample, ByteWriter* to) {
  to->Put<uint64_t>(sample.user_stack.size());
  if (!sample.user_stack.empty()) to->Append(sample.user_stack).Put(sample.user_stack_copied);
}

void PutWeight(const PerfAttr& attr, const WrittenSample& sample, ByteWriter* to) {
  if (attr.Samples(PerfSampleBit::kWeight)) {
    to->Put(sample.weight);
  } else {
    to->Put(static_cast<uint32_t>(sample.weight)).Put(sample.weight2).Put(sample.weight3);
  }
}

}  // namespace

ByteWriter& ByteWriter::Text(std::string_view text, size_t padded_to) {
  Append(std::as_bytes(std::span(text)));
  const size_t size = (text.size() + padded_to) / padded_to * padded_to;
  return Fill(size - text.size());
}

ByteWriter& ByteWriter::SizedText(std::string_view text) {
  Put(static_cast<uint32_t>((text.size() + 64) / 64 * 64));
  return Text(text, 64);
}

ByteWriter& ByteWriter::Fill(size_t count, uint8_t value) {
  bytes.resize(bytes.size() + count, std::byte{value});
  return *this;
}

Bytes AttrBytes(const PerfAttr& attr) {
  ByteWriter to;
  to.Put(attr.type).Put(attr.size).Put(attr.config).Put(attr.period_or_frequency).Put(attr.sample_type).Put(attr.read_format);
  to.Put(attr.flags).Put<uint32_t>(0).Put(attr.breakpoint_type).Put(attr.config1).Put(attr.config2).Put(attr.branch_sample_type);
  to.Put(attr.user_registers).Put(attr.user_stack_bytes).Put(attr.clock_id).Put(attr.interrupt_registers).Put<uint64_t>(0);
  to.Put<uint64_t>(0).Put<uint64_t>(0).Put(attr.config3);
  to.bytes.resize(attr.size, std::byte{0xee});
  return to.bytes;
}

Bytes SampleBody(const PerfAttr& attr, const WrittenSample& sample) {
  ByteWriter to;
  const auto word = [&](uint64_t bit, uint64_t value) {
    if (attr.Samples(bit)) to.Put(value);
  };
  word(PerfSampleBit::kIdentifier, sample.id);
  word(PerfSampleBit::kIp, sample.ip);
  if (attr.Samples(PerfSampleBit::kTid)) to.Put(sample.pid).Put(sample.tid);
  word(PerfSampleBit::kTime, sample.time_ns);
  word(PerfSampleBit::kAddress, sample.address);
  word(PerfSampleBit::kId, sample.id);
  word(PerfSampleBit::kStreamId, sample.stream_id);
  if (attr.Samples(PerfSampleBit::kCpu)) to.Put(sample.cpu).Put<uint32_t>(0);
  word(PerfSampleBit::kPeriod, sample.period);
  if (attr.Samples(PerfSampleBit::kRead)) PutReading(attr, sample, &to);
  word(PerfSampleBit::kCallchain, sample.callchain.size());
  if (attr.Samples(PerfSampleBit::kCallchain)) PutWords(&to, sample.callchain);
  if (attr.Samples(PerfSampleBit::kRaw)) to.Put(static_cast<uint32_t>(sample.raw.size())).Append(sample.raw);
  if (attr.Samples(PerfSampleBit::kBranchStack)) PutBranches(attr, sample, &to);
  if (attr.Samples(PerfSampleBit::kUserRegisters)) PutRegisters(sample.user_abi, sample.user_registers, &to);
  if (attr.Samples(PerfSampleBit::kUserStack)) PutUserStack(sample, &to);
  if (attr.Samples(PerfSampleBit::kWeight | PerfSampleBit::kWeightStruct)) PutWeight(attr, sample, &to);
  word(PerfSampleBit::kDataSource, sample.data_source);
  word(PerfSampleBit::kTransaction, sample.transaction);
  if (attr.Samples(PerfSampleBit::kInterruptRegisters)) PutRegisters(sample.interrupt_abi, sample.interrupt_registers, &to);
  word(PerfSampleBit::kPhysicalAddress, sample.physical_address);
  word(PerfSampleBit::kCgroup, sample.cgroup);
  word(PerfSampleBit::kDataPageSize, sample.data_page_bytes);
  word(PerfSampleBit::kCodePageSize, sample.code_page_bytes);
  word(PerfSampleBit::kAux, sample.aux.size());
  if (attr.Samples(PerfSampleBit::kAux)) to.Append(sample.aux);
  return to.bytes;
}

Bytes TrailerBytes(const PerfAttr& attr, const WrittenSample& sample) {
  ByteWriter to;
  if ((attr.flags & kSampleIdAll) == 0) return {};
  if (attr.Samples(PerfSampleBit::kTid)) to.Put(sample.pid).Put(sample.tid);
  if (attr.Samples(PerfSampleBit::kTime)) to.Put(sample.time_ns);
  if (attr.Samples(PerfSampleBit::kId)) to.Put(sample.id);
  if (attr.Samples(PerfSampleBit::kStreamId)) to.Put(sample.stream_id);
  if (attr.Samples(PerfSampleBit::kCpu)) to.Put(sample.cpu).Put<uint32_t>(0);
  if (attr.Samples(PerfSampleBit::kIdentifier)) to.Put(sample.id);
  return to.bytes;
}

Bytes RecordBytes(PerfRecordType type, uint16_t misc, std::span<const std::byte> body) {
  ByteWriter to;
  to.Put(static_cast<uint32_t>(type)).Put(misc).Put(static_cast<uint16_t>(body.size() + 8)).Append(body);
  return to.bytes;
}

size_t PerfDataWriter::AddEvent(const PerfAttr& attr, std::vector<uint64_t> ids, std::string name) {
  events_.push_back({.attr = attr, .ids = std::move(ids), .name = std::move(name)});
  return events_.size() - 1;
}

void PerfDataWriter::AddSample(size_t event, const WrittenSample& sample, uint16_t misc) {
  AddRecord(PerfRecordType::kSample, SampleBody(events_[event].attr, sample), misc);
}

void PerfDataWriter::AddKernelRecord(size_t event, PerfRecordType type, uint16_t misc, std::span<const std::byte> body,
                                     const WrittenSample& who) {
  ByteWriter to;
  to.Append(body).Append(TrailerBytes(events_[event].attr, who));
  AddRecord(type, to.bytes, misc);
}

void PerfDataWriter::AddRecord(PerfRecordType type, std::span<const std::byte> body, uint16_t misc) {
  AddBytes(RecordBytes(type, misc, body));
}

void PerfDataWriter::AddBytes(std::span<const std::byte> bytes) {
  records_.insert(records_.end(), bytes.begin(), bytes.end());
}

void PerfDataWriter::AddFeature(uint32_t number, Bytes payload) {
  features_[number] = std::move(payload);
}

void PerfDataWriter::AddTextFeature(uint32_t number, std::string_view text) {
  AddFeature(number, ByteWriter().SizedText(text).bytes);
}

void PerfDataWriter::AddEventDescriptions() {
  ByteWriter to;
  uint32_t attr_bytes = 0;
  for (const WrittenEvent& event : events_) attr_bytes = std::max(attr_bytes, event.attr.size);
  to.Put(static_cast<uint32_t>(events_.size())).Put(attr_bytes);
  for (const WrittenEvent& event : events_) {
    const Bytes attr = AttrBytes(event.attr);
    to.Append(attr).Fill(attr_bytes - attr.size()).Put(static_cast<uint32_t>(event.ids.size())).SizedText(event.name);
    PutWords(&to, event.ids);
  }
  AddFeature(12, to.bytes);
}

Bytes PerfDataWriter::File() const {
  uint32_t attr_bytes = 0;
  uint64_t id_count = 0;
  for (const WrittenEvent& event : events_) {
    attr_bytes = std::max(attr_bytes, event.attr.size);
    id_count += event.ids.size();
  }
  const uint64_t entry_bytes = attr_bytes + 16;
  const uint64_t attrs_at = kHeaderBytes + id_count * 8;
  const uint64_t data_at = attrs_at + events_.size() * entry_bytes;
  ByteWriter to;
  to.Text("PERFILE2", 1).bytes.pop_back();
  to.Put<uint64_t>(kHeaderBytes).Put(entry_bytes).Put(attrs_at).Put(events_.size() * entry_bytes).Put(data_at);
  to.Put<uint64_t>(records_.size()).Put<uint64_t>(0).Put<uint64_t>(0);
  uint64_t bits[4] = {};
  for (const auto& [number, payload] : features_) bits[number / 64] |= uint64_t{1} << number % 64;
  for (const uint64_t word : bits) to.Put(word);
  for (const WrittenEvent& event : events_) PutWords(&to, event.ids);
  uint64_t ids_at = kHeaderBytes;
  for (const WrittenEvent& event : events_) {
    const Bytes attr = AttrBytes(event.attr);
    to.Append(attr).Fill(attr_bytes - attr.size()).Put(ids_at).Put<uint64_t>(event.ids.size() * 8);
    ids_at += event.ids.size() * 8;
  }
  to.Append(records_);
  uint64_t payload_at = to.bytes.size() + features_.size() * 16;
  for (const auto& [number, payload] : features_) {
    to.Put(payload_at).Put<uint64_t>(payload.size());
    payload_at += payload.size();
  }
  for (const auto& [number, payload] : features_) to.Append(payload);
  return to.bytes;
}

Bytes PerfDataWriter::Pipe() const {
  ByteWriter to;
  to.Text("PERFILE2", 1).bytes.pop_back();
  to.Put<uint64_t>(16);
  for (const WrittenEvent& event : events_) {
    ByteWriter body;
    body.Append(AttrBytes(event.attr));
    PutWords(&body, event.ids);
    to.Append(RecordBytes(PerfRecordType::kHeaderAttr, 0, body.bytes));
  }
  for (const auto& [number, payload] : features_) {
    ByteWriter body;
    body.Put<uint64_t>(number).Append(payload);
    to.Append(RecordBytes(PerfRecordType::kFeature, 0, body.bytes));
  }
  to.Append(records_);
  return to.bytes;
}

Bytes MmapBody(uint32_t pid, uint64_t start, uint64_t bytes, uint64_t file_offset, std::string_view name) {
  return ByteWriter().Put(pid).Put(pid).Put(start).Put(bytes).Put(file_offset).Text(name).bytes;
}

Bytes Mmap2Body(uint32_t pid, uint64_t start, uint64_t bytes, uint64_t inode, uint32_t flags, std::string_view name) {
  ByteWriter to;
  to.Put(pid).Put(pid).Put(start).Put(bytes).Put<uint64_t>(0x1000).Put<uint32_t>(8).Put<uint32_t>(1).Put(inode).Put<uint64_t>(0);
  return to.Put<uint32_t>(5).Put(flags).Text(name).bytes;
}

Bytes CommBody(uint32_t pid, uint32_t tid, std::string_view name) {
  return ByteWriter().Put(pid).Put(tid).Text(name).bytes;
}

Bytes TaskBody(uint32_t pid, uint32_t parent_pid, uint32_t tid, uint32_t parent_tid, uint64_t time_ns) {
  return ByteWriter().Put(pid).Put(parent_pid).Put(tid).Put(parent_tid).Put(time_ns).bytes;
}

Bytes WordsBody(std::initializer_list<uint64_t> words) {
  ByteWriter to;
  for (const uint64_t word : words) to.Put(word);
  return to.bytes;
}

PerfAttr PlainAttr(uint64_t sample_type, uint32_t size) {
  PerfAttr attr;
  attr.size = size;
  attr.sample_type = sample_type;
  attr.flags = kSampleIdAll;
  return attr;
}

}  // namespace hftmon
