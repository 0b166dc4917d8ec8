#include "client/cli/sharing_answer.h"

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <utility>

namespace hftmon {
namespace {

template <typename Proto, typename Domain>
struct Pair {
  Proto proto;
  Domain domain;
};

constexpr Pair<v1::LineOrder, LineOrder> kOrders[] = {{v1::LINE_ORDER_CYCLES, LineOrder::kCycles},
                                                      {v1::LINE_ORDER_REMOTE, LineOrder::kRemoteHitm},
                                                      {v1::LINE_ORDER_TOTAL, LineOrder::kTotalHitm}};
constexpr Pair<v1::SharingVerdict, SharingVerdict> kVerdicts[] = {{v1::SHARING_VERDICT_WRITER_NOT_SEEN, SharingVerdict::kWriterNotSeen},
                                                                  {v1::SHARING_VERDICT_FALSE, SharingVerdict::kFalse},
                                                                  {v1::SHARING_VERDICT_TRUE, SharingVerdict::kTrue},
                                                                  {v1::SHARING_VERDICT_BOTH, SharingVerdict::kBoth}};
constexpr Pair<v1::AdviceKind, AdviceKind> kAdvice[] = {{v1::ADVICE_KIND_PAD, AdviceKind::kPad},
                                                        {v1::ADVICE_KIND_ALIGN, AdviceKind::kAlign},
                                                        {v1::ADVICE_KIND_SPLIT, AdviceKind::kSplit},
                                                        {v1::ADVICE_KIND_SEPARATE_READ_MOSTLY, AdviceKind::kSeparateReadMostly},
                                                        {v1::ADVICE_KIND_PER_THREAD_COPIES, AdviceKind::kPerThreadCopies},
                                                        {v1::ADVICE_KIND_WRITE_LESS, AdviceKind::kWriteLess},
                                                        {v1::ADVICE_KIND_RECORD_STORES, AdviceKind::kRecordStores}};
constexpr Pair<v1::MemoryLevel, AccessLevel> kLevels[] = {{v1::MEMORY_LEVEL_UNSPECIFIED, AccessLevel::kUnknown},
                                                          {v1::MEMORY_LEVEL_L1, AccessLevel::kL1},
                                                          {v1::MEMORY_LEVEL_LINE_FILL_BUFFER, AccessLevel::kLineFillBuffer},
                                                          {v1::MEMORY_LEVEL_L2, AccessLevel::kL2},
                                                          {v1::MEMORY_LEVEL_L3, AccessLevel::kL3},
                                                          {v1::MEMORY_LEVEL_L4, AccessLevel::kL4},
                                                          {v1::MEMORY_LEVEL_PEER_CACHE, AccessLevel::kPeerCache},
                                                          {v1::MEMORY_LEVEL_REMOTE_CACHE, AccessLevel::kRemoteCache},
                                                          {v1::MEMORY_LEVEL_LOCAL_DRAM, AccessLevel::kLocalDram},
                                                          {v1::MEMORY_LEVEL_REMOTE_DRAM, AccessLevel::kRemoteDram},
                                                          {v1::MEMORY_LEVEL_PERSISTENT_MEMORY, AccessLevel::kPersistentMemory},
                                                          {v1::MEMORY_LEVEL_CXL, AccessLevel::kCxl},
                                                          {v1::MEMORY_LEVEL_IO, AccessLevel::kIo},
                                                          {v1::MEMORY_LEVEL_UNCACHED, AccessLevel::kUncached}};

// Turns messages into values, and keeps the first number that it does not know.
class Reader {
 public:
  MemoryLoadTable Loads(const v1::SampledLoads& from);
  ContendedLineTable Table(const v1::ContendedLineTable& from);
  PlacedLine Line(const v1::ContendedLine& from);
  const std::string& unknown() const { return unknown_; }

 private:
  template <typename Proto, typename Domain, size_t kCount>
  Domain Known(const Pair<Proto, Domain> (&pairs)[kCount], Proto number, const char* what) {
    for (const auto& pair : pairs) {
      if (pair.proto == number) return pair.domain;
    }
    if (unknown_.empty()) unknown_ = fmt::format("{} {}", what, static_cast<int>(number));
    return Domain();
  }
  AccessCounts Counts(const v1::AccessCounts& from);
  SharingAdvice Advice(const v1::SharingAdvice& from);
  void Parts(const v1::ContendedLine& from, PlacedLine* to);

  std::string unknown_;
};

std::optional<MappedPlace> PlaceOf(bool known, const v1::AddressPlace& from) {
  if (!known) return std::nullopt;
  MappedPlace place{.mapping = from.mapping(), .file_offset = from.offset(), .kernel = from.kernel()};
  return place;
}

MemoryLoadTable Reader::Loads(const v1::SampledLoads& from) {
  MemoryLoadTable to{.loads = from.count(),
                     .stores = from.store_count(),
                     .others = from.other_count(),
                     .tlb_hits = from.tlb_hit_count(),
                     .tlb_misses = from.tlb_miss_count(),
                     .tlb_unknown = from.tlb_unknown_count(),
                     .tlb_walks = from.tlb_walk_count(),
                     .locked = from.locked_count(),
                     .lock_unknown = from.lock_unknown_count(),
                     .hitm = from.hitm_count(),
                     .peer = from.peer_count(),
                     .levels = {}};
  for (const v1::LoadLevel& level : from.levels()) {
    LoadLevelRow& row = to.levels.emplace_back();
    row.level = Known(kLevels, level.level(), "level");
    row.loads = level.count();
    row.missed = level.miss_count();
    row.latency_count = level.latency_count();
    row.latency_sum_cycles = level.latency_sum_cycles();
    if (level.has_latency_max_cycles()) row.latency_max_cycles = level.latency_max_cycles();
    if (level.has_latency_p50_cycles()) row.latency_p50_cycles = level.latency_p50_cycles();
    if (level.has_latency_p99_cycles()) row.latency_p99_cycles = level.latency_p99_cycles();
  }
  return to;
}

ContendedLineTable Reader::Table(const v1::ContendedLineTable& from) {
  ContendedLineTable to;
  to.order = Known(kOrders, from.order(), "order");
  to.line_bytes = from.line_bytes();
  to.contended_lines = from.line_count();
  to.shared_line_count = from.shared_line_count();
  to.total.accesses = from.access_count();
  to.contended.accesses = from.contended_access_count();
  to.uncontended.accesses = from.uncontended_access_count();
  to.dropped.accesses = from.dropped_access_count();
  to.no_address = from.no_address_count();
  return to;
}

AccessCounts Reader::Counts(const v1::AccessCounts& from) {
  AccessCounts to;
  to.accesses = from.access_count();
  to.loads = from.load_count();
  to.stores = from.store_count();
  to.locked = from.locked_count();
  to.hitm_local = from.hitm_local_count();
  to.hitm_remote = from.hitm_remote_count();
  to.hitm_unplaced = from.hitm_unplaced_count();
  to.peer = from.peer_count();
  return to;
}

SharingAdvice Reader::Advice(const v1::SharingAdvice& from) {
  SharingAdvice to{.kind = Known(kAdvice, from.kind(), "advice"), .contended = from.contended_count(), .text = from.text()};
  for (const uint32_t offset : from.offsets()) to.offsets.push_back(static_cast<uint16_t>(offset));
  if (from.has_estimated_cycles()) to.estimated_cycles = from.estimated_cycles();
  return to;
}

void Reader::Parts(const v1::ContendedLine& from, PlacedLine* to) {
  for (const v1::LineOffset& offset : from.offsets()) {
    LineOffset& one = to->line.offsets.emplace_back();
    one.offset = static_cast<uint16_t>(offset.offset());
    one.counts = Counts(offset.counts());
    one.tids.assign(offset.tids().begin(), offset.tids().end());
    one.writer_tids.assign(offset.writer_tids().begin(), offset.writer_tids().end());
  }
  for (const v1::LineThread& thread : from.threads()) {
    const auto tid = static_cast<uint32_t>(thread.tid());
    to->line.threads.push_back({.pid = static_cast<uint32_t>(thread.pid()), .tid = tid, .counts = Counts(thread.counts())});
    to->names[tid] = {.comm = thread.comm(), .namespace_tid = thread.namespace_tid()};
  }
  for (const v1::LineSite& site : from.sites()) {
    to->line.sites.push_back({.offset = static_cast<uint16_t>(site.offset()),
                              .pid = static_cast<uint32_t>(site.pid()),
                              .tid = static_cast<uint32_t>(site.tid()),
                              .code_address = site.code_address(),
                              .counts = Counts(site.counts())});
    to->code.push_back(PlaceOf(site.has_code(), site.code()));
  }
}

PlacedLine Reader::Line(const v1::ContendedLine& from) {
  PlacedLine to;
  ContendedLine& line = to.line;
  line.address = from.address();
  line.counts = Counts(from.counts());
  if (from.has_estimated_cycles()) line.estimated_cycles = from.estimated_cycles();
  line.share = from.share();
  line.sharing = {.verdict = Known(kVerdicts, from.verdict(), "verdict"),
                  .false_contended = from.false_count(),
                  .true_contended = from.true_count(),
                  .no_writer_contended = from.no_writer_count()};
  Parts(from, &to);
  line.cpus.assign(from.cpus().begin(), from.cpus().end());
  line.cpus_dropped = from.cpus_dropped();
  line.nodes.assign(from.nodes().begin(), from.nodes().end());
  line.dropped_site_accesses = from.dropped_site_access_count();
  line.begin_missing = from.begin_missing();
  for (const v1::SharingAdvice& advice : from.advice()) line.advice.push_back(Advice(advice));
  to.data = PlaceOf(from.has_data(), from.data());
  return to;
}

}  // namespace

absl::StatusOr<SharingAnswer> SharingAnswerOf(const v1::SampleAccessesResponse& response) {
  Reader reader;
  SharingAnswer answer{.loads = reader.Loads(response.loads()), .table = reader.Table(response.lines()), .lines = {}, .shared_lines = {}};
  for (const v1::ContendedLine& line : response.lines().lines()) answer.lines.push_back(reader.Line(line));
  for (const v1::ContendedLine& line : response.lines().shared_lines()) answer.shared_lines.push_back(reader.Line(line));
  if (reader.unknown().empty()) return answer;
  return absl::FailedPreconditionError(fmt::format(
      "the daemon's answer has {}, which this hftmon does not know: it is older than hftmond: install the same version", reader.unknown()));
}

}  // namespace hftmon
