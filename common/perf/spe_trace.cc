#include "common/perf/spe_trace.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <queue>
#include <span>
#include <utility>

namespace hftmon {
namespace {

// Where a counter of 12 or of 16 bits stays.
bool IsSaturated(std::optional<uint32_t> cycles) {
  return cycles == 0xfffu || cycles == 0xffffu;
}

void Add(const SpeReadCounts& more, SpeReadCounts* sum) {
  sum->records += more.records;
  sum->malformed += more.malformed;
  sum->skipped_bytes += more.skipped_bytes;
  sum->cut_records += more.cut_records;
}

}  // namespace

// One buffer, block after block, a piece at a time.
class SpeTrace::Reading {
 public:
  Reading(const Buffer* buffer, ByteSource* source) : buffer_(buffer), source_(source) { BeginBlock(); }

  // No value: that was the last.
  absl::StatusOr<std::optional<SpeRecord>> Next() {
    while (block_ < buffer_->blocks.size()) {
      if (std::optional<SpeRecord> record = reader_.Next(&rest_); record.has_value()) return record;
      if (left_ > 0) {
        if (absl::Status filled = Fill(); !filled.ok()) return filled;
        continue;
      }
      reader_.End(rest_.size());
      ++block_;
      BeginBlock();
    }
    return std::nullopt;
  }
  const Buffer& buffer() const { return *buffer_; }
  const SpeReadCounts& counts() const { return reader_.counts(); }

 private:
  void BeginBlock() {
    rest_ = {};
    if (block_ >= buffer_->blocks.size()) return;
    const Block& block = buffer_->blocks[block_];
    next_at_ = block.bytes_at;
    left_ = block.bytes;
    reader_.Begin(block.offset);
  }
  // What is left of the piece before goes to the front: some bytes of a packet.
  absl::Status Fill() {
    const std::vector<std::byte> carried(rest_.begin(), rest_.end());
    const auto more = static_cast<size_t>(std::min<uint64_t>(left_, kPieceBytes));
    piece_.resize(carried.size() + more);
    std::copy(carried.begin(), carried.end(), piece_.begin());
    if (absl::Status read = source_->ReadAt(next_at_, std::span(piece_).subspan(carried.size())); !read.ok()) return read;
    next_at_ += more;
    left_ -= more;
    rest_ = piece_;
    return absl::OkStatus();
  }

  const Buffer* const buffer_;
  ByteSource* const source_;
  SpeRecordReader reader_;
  size_t block_ = 0;
  uint64_t next_at_ = 0;  // in the source
  uint64_t left_ = 0;     // of the block
  std::vector<std::byte> piece_;
  std::span<const std::byte> rest_;  // of the piece
};

void SpeTrace::OnInfo(const PerfAuxtraceInfo& info) {
  absl::StatusOr<SpeTraceInfo> parsed = ParseSpeTraceInfo(info.words);
  refusal_ = parsed.ok() ? "" : std::string(parsed.status().message());
  info_ = parsed.ok() ? *std::move(parsed) : SpeTraceInfo();
}

void SpeTrace::OnTrace(const PerfAuxtrace& trace, uint64_t bytes_at) {
  const bool known = buffers_.contains(trace.index);
  if (block_count_ >= kBlocksMax || (!known && buffers_.size() >= kBuffersMax)) {
    ++counts_.dropped_blocks;
    return;
  }
  Buffer& buffer = buffers_[trace.index];
  if (!known) buffer.key = {.of_thread = !trace.cpu, .number = trace.cpu ? *trace.cpu : trace.tid.value_or(~uint32_t{0})};
  buffer.blocks.push_back({.bytes_at = bytes_at, .bytes = trace.bytes, .offset = trace.offset});
  ++block_count_;
}

void SpeTrace::OnAux(const PerfAux& aux) {
  counts_.truncated += (aux.flags & PerfAux::kTruncated) != 0 ? 1 : 0;
  counts_.partial += (aux.flags & PerfAux::kPartial) != 0 ? 1 : 0;
  counts_.collided += (aux.flags & PerfAux::kCollision) != 0 ? 1 : 0;
  counts_.overwritten += (aux.flags & PerfAux::kOverwrite) != 0 ? 1 : 0;
  if (!aux.sample_id.time_ns) return;
  const AuxSpan span{.offset = aux.offset, .bytes = aux.bytes, .time_ns = *aux.sample_id.time_ns};
  // Which of the two its buffer is of, the record does not tell.
  for (const bool of_thread : {false, true}) {
    const std::optional<uint32_t> number = of_thread ? aux.sample_id.tid : aux.sample_id.cpu;
    if (!number) continue;
    if (aux_count_ >= kAuxMax) {
      ++counts_.dropped_aux;
      return;
    }
    aux_[{.of_thread = of_thread, .number = *number}].push_back(span);
    ++aux_count_;
  }
}

SpeSourceEncoding SpeTrace::EncodingOf(const BufferKey& key, uint64_t host_midr) const {
  const std::vector<SpeTraceInfo::Cpu>& cpus = info_->cpus;
  if (cpus.empty()) return SpeSourceEncodingOf(host_midr);
  if (!key.of_thread) {
    const auto found = std::find_if(cpus.begin(), cpus.end(), [&key](const SpeTraceInfo::Cpu& cpu) { return cpu.cpu == key.number; });
    return found == cpus.end() ? SpeSourceEncoding::kUnknown : SpeSourceEncodingOf(found->midr);
  }
  // A thread may have been on any of them.
  const SpeSourceEncoding first = SpeSourceEncodingOf(cpus.front().midr);
  const bool all =
      std::all_of(cpus.begin(), cpus.end(), [first](const SpeTraceInfo::Cpu& cpu) { return SpeSourceEncodingOf(cpu.midr) == first; });
  return all ? first : SpeSourceEncoding::kUnknown;
}

int64_t SpeTrace::HandedOverNs(const BufferKey& key, uint64_t offset) const {
  const auto of_key = aux_.find(key);
  if (of_key == aux_.end()) return 0;
  const std::vector<AuxSpan>& spans = of_key->second;
  const auto after =
      std::upper_bound(spans.begin(), spans.end(), offset, [](uint64_t at, const AuxSpan& span) { return at < span.offset; });
  if (after == spans.begin()) return 0;
  const AuxSpan& span = *std::prev(after);
  return offset - span.offset < span.bytes ? span.time_ns : 0;
}

SpeSample SpeTrace::SampleOf(const SpeRecord& record, const Buffer& buffer, const SpeReadOptions& options) {
  const BufferKey& key = buffer.key;
  SpeSample sample{.record = record, .encoding = buffer.encoding};
  if (!key.of_thread) {
    sample.cpu = key.number;
  } else if (key.number != ~uint32_t{0}) {
    sample.tid = key.number;
  }
  sample.own_time = record.timestamp.has_value() && conversion_.has_value() && !options.clock_is_own;
  sample.time_ns = sample.own_time ? conversion_->ToNs(*record.timestamp) : HandedOverNs(key, record.begin_at);
  const bool load = record.operation == SpeOperation::kLoad;
  counts_.unread_sources += load && record.data_source.has_value() && sample.encoding == SpeSourceEncoding::kUnknown ? 1 : 0;
  counts_.saturated_latencies += IsSaturated(record.total_latency_cycles) ? 1 : 0;
  counts_.unknown_packets += record.unknown_packets;
  return sample;
}

absl::Status SpeTrace::Read(ByteSource& source, const SpeReadOptions& options, absl::FunctionRef<void(const SpeSample&)> tell) {
  if (!info_ || !refusal_.empty()) return absl::OkStatus();
  for (auto& [key, spans] : aux_) {
    std::sort(spans.begin(), spans.end(), [](const AuxSpan& a, const AuxSpan& b) { return a.offset < b.offset; });
  }
  std::vector<std::unique_ptr<Reading>> readings;
  std::vector<SpeSample> next;
  using Due = std::pair<int64_t, size_t>;  // time, of which reading
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due;
  const auto advance = [&](size_t i) -> absl::Status {
    const absl::StatusOr<std::optional<SpeRecord>> record = readings[i]->Next();
    if (!record.ok()) return record.status();
    if (!record->has_value()) {
      Add(readings[i]->counts(), &counts_.read);
      readings[i].reset();
      return absl::OkStatus();
    }
    next[i] = SampleOf(**record, readings[i]->buffer(), options);
    due.emplace(next[i].time_ns, i);
    return absl::OkStatus();
  };
  next.resize(buffers_.size());
  for (auto& [index, buffer] : buffers_) {
    buffer.encoding = EncodingOf(buffer.key, options.host_midr);
    readings.push_back(std::make_unique<Reading>(&buffer, &source));
    if (absl::Status begun = advance(readings.size() - 1); !begun.ok()) return begun;
  }
  while (!due.empty()) {
    const size_t i = due.top().second;
    due.pop();
    tell(next[i]);
    if (absl::Status advanced = advance(i); !advanced.ok()) return advanced;
  }
  return absl::OkStatus();
}

}  // namespace hftmon
