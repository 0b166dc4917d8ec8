// SpeTrace: the Arm SPE trace of a recording. First told where its bytes are and what the recording says of them, it then reads them as
// records in the order of their times. One thread.
//
// Bounds: kBuffersMax AUX buffers, of which kPieceBytes each are in memory while they are read, kBlocksMax stretches of bytes and kAuxMax
// AUX records: 64 + 48 + 24 MB at most. What finds no room is counted.
#ifndef HFTMON_COMMON_PERF_SPE_TRACE_H_
#define HFTMON_COMMON_PERF_SPE_TRACE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "common/perf/byte_source.h"
#include "common/perf/perf_aux_records.h"
#include "common/perf/spe_data_source.h"
#include "common/perf/spe_records.h"

namespace hftmon {

// A record, and what is known of it from where it stood.
struct SpeSample {
  SpeRecord record;
  std::optional<uint32_t> cpu;
  std::optional<uint32_t> tid;  // of a buffer of one thread alone
  int64_t time_ns = 0;          // in the recording's clock; 0: not known
  // Of time_ns: the record's own time stamp. Else when the kernel handed its bytes over: after it, by as long as a buffer takes to fill.
  bool own_time = false;
  SpeSourceEncoding encoding = SpeSourceEncoding::kUnknown;
};

struct SpeTraceCounts {
  SpeReadCounts read;
  // Times that the kernel told a loss: the buffer was full, gaps of the hardware, an operation sampled before the last was done; and that
  // older bytes were written over (a snapshot). How much each of them took is not told.
  uint64_t truncated = 0, partial = 0, collided = 0, overwritten = 0;
  uint64_t dropped_blocks = 0;       // stretches beyond the bounds, which are not read
  uint64_t dropped_aux = 0;          // AUX records beyond the bound: times of some records may be missing
  uint64_t unread_sources = 0;       // loads with a data source packet of a CPU whose encoding is not known
  uint64_t saturated_latencies = 0;  // total latencies at the end of their counter: they may be more
  uint64_t unknown_packets = 0;      // sound, of a kind that is newer than this
};

struct SpeReadOptions {
  uint64_t host_midr = 0;     // of the host's first CPU, where the trace tells none; 0: not known
  bool clock_is_own = false;  // the recording's times are of another clock than the kernel's for perf (`perf record -k`)
};

class SpeTrace {
 public:
  static constexpr size_t kBuffersMax = 4'096;
  static constexpr size_t kPieceBytes = 16'384;
  static constexpr size_t kBlocksMax = 1u << 20;
  static constexpr size_t kAuxMax = 1u << 20;

  // As the recording has them, in its order. OnInfo: of type kArmSpe.
  void OnInfo(const PerfAuxtraceInfo& info);
  void OnTimeConversion(const PerfTimeConversion& conversion) { conversion_ = conversion; }
  void OnTrace(const PerfAuxtrace& trace, uint64_t bytes_at);
  void OnAux(const PerfAux& aux);

  bool is_spe() const { return info_.has_value(); }
  // Empty, or why the trace cannot be read though it is one.
  const std::string& refusal() const { return refusal_; }
  uint64_t pmu_type() const { return info_ ? info_->pmu_type : 0; }

  // Once, after all was told: each record, by time as far as the buffers themselves are in its order (the hardware's are). The source is
  // the one that was read. Errors are the source's.
  absl::Status Read(ByteSource& source, const SpeReadOptions& options, absl::FunctionRef<void(const SpeSample&)> tell);
  const SpeTraceCounts& counts() const { return counts_; }

 private:
  struct Block {
    uint64_t bytes_at = 0;
    uint64_t bytes = 0;
    uint64_t offset = 0;
  };
  struct AuxSpan {
    uint64_t offset = 0;
    uint64_t bytes = 0;
    int64_t time_ns = 0;
  };
  struct BufferKey {
    bool of_thread = false;
    uint32_t number = 0;  // of the thread or the CPU
    auto operator<=>(const BufferKey&) const = default;
  };
  struct Buffer {
    BufferKey key;
    std::vector<Block> blocks;
    SpeSourceEncoding encoding = SpeSourceEncoding::kUnknown;  // from Read on
  };
  class Reading;

  SpeSourceEncoding EncodingOf(const BufferKey& key, uint64_t host_midr) const;
  SpeSample SampleOf(const SpeRecord& record, const Buffer& buffer, const SpeReadOptions& options);
  int64_t HandedOverNs(const BufferKey& key, uint64_t offset) const;

  std::optional<SpeTraceInfo> info_;
  std::string refusal_;
  std::optional<PerfTimeConversion> conversion_;
  std::map<uint32_t, Buffer> buffers_;  // by PerfAuxtrace::index
  size_t block_count_ = 0;
  std::map<BufferKey, std::vector<AuxSpan>> aux_;  // ascending by offset once they are read
  size_t aux_count_ = 0;
  SpeTraceCounts counts_;
};

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_SPE_TRACE_H_
