#include "daemon/service/convert_sharing.h"

#include <algorithm>
#include <string>

#include "common/utf8.h"

namespace hftmon {
namespace {

// Opening, switching on, switching off, closing.
constexpr uint64_t kCrossCallsPerEvent = 4;

v1::LineOrder OrderToProto(LineOrder order) {
  switch (order) {
    case LineOrder::kCycles:
      return v1::LINE_ORDER_CYCLES;
    case LineOrder::kRemoteHitm:
      return v1::LINE_ORDER_REMOTE;
    case LineOrder::kTotalHitm:
      return v1::LINE_ORDER_TOTAL;
  }
  return v1::LINE_ORDER_UNSPECIFIED;
}

v1::SharingVerdict VerdictToProto(SharingVerdict verdict) {
  switch (verdict) {
    case SharingVerdict::kWriterNotSeen:
      return v1::SHARING_VERDICT_WRITER_NOT_SEEN;
    case SharingVerdict::kFalse:
      return v1::SHARING_VERDICT_FALSE;
    case SharingVerdict::kTrue:
      return v1::SHARING_VERDICT_TRUE;
    case SharingVerdict::kBoth:
      return v1::SHARING_VERDICT_BOTH;
  }
  return v1::SHARING_VERDICT_UNSPECIFIED;
}

v1::AdviceKind KindToProto(AdviceKind kind) {
  switch (kind) {
    case AdviceKind::kPad:
      return v1::ADVICE_KIND_PAD;
    case AdviceKind::kAlign:
      return v1::ADVICE_KIND_ALIGN;
    case AdviceKind::kSplit:
      return v1::ADVICE_KIND_SPLIT;
    case AdviceKind::kSeparateReadMostly:
      return v1::ADVICE_KIND_SEPARATE_READ_MOSTLY;
    case AdviceKind::kPerThreadCopies:
      return v1::ADVICE_KIND_PER_THREAD_COPIES;
    case AdviceKind::kWriteLess:
      return v1::ADVICE_KIND_WRITE_LESS;
    case AdviceKind::kRecordStores:
      return v1::ADVICE_KIND_RECORD_STORES;
  }
  return v1::ADVICE_KIND_UNSPECIFIED;
}

v1::MemoryLevel LevelToProto(AccessLevel level) {
  // The enums have the same order: a level that is added to one of them alone does not compile.
  static_assert(static_cast<int>(AccessLevel::kUncached) == static_cast<int>(v1::MEMORY_LEVEL_UNCACHED));
  static_assert(v1::MemoryLevel_MAX == v1::MEMORY_LEVEL_UNCACHED);
  return static_cast<v1::MemoryLevel>(level);
}

void CountsToProto(const AccessCounts& counts, v1::AccessCounts* out) {
  out->set_access_count(counts.accesses);
  out->set_load_count(counts.loads);
  out->set_store_count(counts.stores);
  out->set_locked_count(counts.locked);
  out->set_hitm_local_count(counts.hitm_local);
  out->set_hitm_remote_count(counts.hitm_remote);
  out->set_hitm_unplaced_count(counts.hitm_unplaced);
  out->set_peer_count(counts.peer);
}

void PlaceToProto(const AddressPlace& place, v1::AddressPlace* out) {
  out->set_mapping(ValidUtf8(place.mapping));
  out->set_offset(place.offset);
  out->set_kernel(place.kernel);
}

void ThreadsToProto(const ContendedLine& line, ThreadNames* names, v1::ContendedLine* out) {
  for (const LineThread& thread : line.threads) {
    v1::LineThread* entry = out->add_threads();
    entry->set_tid(static_cast<int32_t>(thread.tid));
    entry->set_pid(static_cast<int32_t>(thread.pid));
    entry->set_comm(ValidUtf8(names->NameOf(thread.tid)));
    entry->set_namespace_tid(names->NumbersOf(thread.pid, thread.tid).tid);
    CountsToProto(thread.counts, entry->mutable_counts());
  }
}

void SitesToProto(const ContendedLine& line, const LinePlaces& places, v1::ContendedLine* out) {
  for (size_t i = 0; i < line.sites.size(); ++i) {
    const LineSite& site = line.sites[i];
    v1::LineSite* entry = out->add_sites();
    entry->set_offset(site.offset);
    entry->set_tid(static_cast<int32_t>(site.tid));
    entry->set_pid(static_cast<int32_t>(site.pid));
    entry->set_code_address(site.code_address);
    if (i < places.code.size() && places.code[i]) PlaceToProto(*places.code[i], entry->mutable_code());
    CountsToProto(site.counts, entry->mutable_counts());
  }
}

void OffsetsToProto(const ContendedLine& line, v1::ContendedLine* out) {
  for (const LineOffset& offset : line.offsets) {
    v1::LineOffset* entry = out->add_offsets();
    entry->set_offset(offset.offset);
    CountsToProto(offset.counts, entry->mutable_counts());
    entry->mutable_tids()->Add(offset.tids.begin(), offset.tids.end());
    entry->mutable_writer_tids()->Add(offset.writer_tids.begin(), offset.writer_tids.end());
  }
}

void AdviceToProto(const SharingAdvice& advice, v1::SharingAdvice* out) {
  out->set_kind(KindToProto(advice.kind));
  out->mutable_offsets()->Add(advice.offsets.begin(), advice.offsets.end());
  out->set_contended_count(advice.contended);
  if (advice.estimated_cycles) out->set_estimated_cycles(*advice.estimated_cycles);
  out->set_text(ValidUtf8(advice.text));
}

void LineToProto(const ContendedLine& line, const LinePlaces& places, ThreadNames* names, v1::ContendedLine* out) {
  out->set_address(line.address);
  if (places.data) PlaceToProto(*places.data, out->mutable_data());
  CountsToProto(line.counts, out->mutable_counts());
  if (line.estimated_cycles) out->set_estimated_cycles(*line.estimated_cycles);
  out->set_share(line.share);
  out->set_verdict(VerdictToProto(line.sharing.verdict));
  out->set_false_count(line.sharing.false_contended);
  out->set_true_count(line.sharing.true_contended);
  out->set_no_writer_count(line.sharing.no_writer_contended);
  OffsetsToProto(line, out);
  ThreadsToProto(line, names, out);
  SitesToProto(line, places, out);
  out->mutable_cpus()->Add(line.cpus.begin(), line.cpus.end());
  out->set_cpus_dropped(line.cpus_dropped);
  out->mutable_nodes()->Add(line.nodes.begin(), line.nodes.end());
  out->set_dropped_site_access_count(line.dropped_site_accesses);
  out->set_begin_missing(line.begin_missing);
  for (const SharingAdvice& advice : line.advice) AdviceToProto(advice, out->add_advice());
}

void TableToProto(const AccessSamples& samples, ThreadNames* names, v1::ContendedLineTable* out) {
  const ContendedLineTable& table = samples.table;
  out->set_order(OrderToProto(table.order));
  out->set_line_bytes(table.line_bytes);
  for (size_t i = 0; i < table.lines.size(); ++i) LineToProto(table.lines[i], samples.places[i], names, out->add_lines());
  out->set_line_count(table.contended_lines);
  out->set_access_count(table.total.accesses);
  out->set_contended_access_count(table.contended.accesses);
  out->set_uncontended_access_count(table.uncontended.accesses);
  out->set_dropped_access_count(table.dropped.accesses);
  out->set_dropped_contended_count(table.dropped.contended());
  out->set_no_address_count(table.no_address);
}

void LoadsToProto(const MemoryLoadTable& loads, v1::SampledLoads* out) {
  out->set_count(loads.loads);
  out->set_store_count(loads.stores);
  out->set_other_count(loads.others);
  out->set_locked_count(loads.locked);
  out->set_lock_unknown_count(loads.lock_unknown);
  out->set_hitm_count(loads.hitm);
  out->set_peer_count(loads.peer);
  out->set_tlb_hit_count(loads.tlb_hits);
  out->set_tlb_miss_count(loads.tlb_misses);
  out->set_tlb_unknown_count(loads.tlb_unknown);
  out->set_tlb_walk_count(loads.tlb_walks);
  for (const LoadLevelRow& row : loads.levels) {
    v1::LoadLevel* level = out->add_levels();
    level->set_level(LevelToProto(row.level));
    level->set_count(row.loads);
    level->set_miss_count(row.missed);
    level->set_latency_count(row.latency_count);
    level->set_latency_sum_cycles(row.latency_sum_cycles);
    if (row.latency_max_cycles) level->set_latency_max_cycles(*row.latency_max_cycles);
    if (row.latency_p50_cycles) level->set_latency_p50_cycles(*row.latency_p50_cycles);
    if (row.latency_p99_cycles) level->set_latency_p99_cycles(*row.latency_p99_cycles);
  }
}

void CostToProto(const AccessSamples& samples, v1::AccessSamplingCost* out) {
  const MemorySamplerCounts& counts = samples.counts.samples;
  out->set_interrupt_count_max(counts.interrupt_count_max());
  out->set_event_count(samples.counts.event_count);
  out->set_cross_call_count_max(samples.counts.event_count * kCrossCallsPerEvent + counts.traced.resume_count);
  out->set_ring_bytes(samples.counts.ring_bytes);
  out->set_daemon_cpu_ns(samples.daemon_cpu_ns);
}

void CoverageToProto(const ProcessAccessCounts& counts, v1::AccessSamplingCoverage* out) {
  out->set_sample_count(counts.samples.access_count);
  out->set_thread_count(static_cast<uint32_t>(counts.thread_count));
  out->set_born_thread_count(static_cast<uint32_t>(counts.born_thread_count));
  out->set_unsampled_thread_count(static_cast<uint32_t>(counts.unsampled_thread_count));
  out->set_unsampled_reason(ValidUtf8(counts.unsampled_reason));
  out->set_lost_count(counts.samples.ring.lost_count);
  out->set_dropped_count(counts.samples.ring.dropped_count);
  const TracedAccessCounts& traced = counts.samples.traced;
  out->set_undecoded_count(counts.samples.undecoded_count + traced.read.malformed + traced.read.cut_records);
  out->set_damage_count(counts.samples.ring.damage_count + traced.aux.damage_count);
  out->set_throttle_count(counts.samples.throttle_count);
  out->set_truncated_count(traced.aux.truncated_count);
  out->set_collision_count(traced.aux.collision_count);
  out->set_gap_count(traced.aux.partial_count);
  out->set_unread_source_count(traced.unread_source_count);
  out->set_complete(counts.samples.complete() && counts.unsampled_thread_count == 0);
}

void NoteUnavailable(const std::string& part, const std::string& reason, v1::SampleAccessesResponse* out) {
  v1::UnavailablePart* entry = out->add_unavailable();
  entry->set_part(part);
  entry->set_reason(ValidUtf8(reason));
}

// Empty: some sample tells who had a line or what served it, or there is none that could.
std::string WhyNoContention(const AccessSamples& samples) {
  if (samples.counts.told_count > 0 || samples.table.total.accesses == 0) return "";
  return "no sample tells what served the access or which core had the line: this processor or its hypervisor does not tell it, so lines "
         "that "
         "threads share are listed, contended or not";
}

}  // namespace

LineOrder LineOrderFromProto(v1::LineOrder order) {
  if (order == v1::LINE_ORDER_REMOTE) return LineOrder::kRemoteHitm;
  return order == v1::LINE_ORDER_TOTAL ? LineOrder::kTotalHitm : LineOrder::kCycles;
}

void AccessesToProto(const AccessSamples& samples, ThreadNames* names, v1::SampleAccessesResponse* out) {
  out->set_begin_monotonic_ns(samples.begin_mono_ns);
  out->set_end_monotonic_ns(samples.end_mono_ns);
  out->set_end(samples.end == AccessSamplingEnd::kDuration ? v1::ACCESS_SAMPLING_END_DURATION : v1::ACCESS_SAMPLING_END_PROCESS_ENDED);
  for (const std::string& event : samples.events) out->add_events(ValidUtf8(event));
  CostToProto(samples, out->mutable_cost());
  CoverageToProto(samples.counts, out->mutable_coverage());
  LoadsToProto(samples.loads, out->mutable_loads());
  v1::ContendedLineTable* lines = out->mutable_lines();
  TableToProto(samples, names, lines);
  if (const std::string why = WhyNoContention(samples); !why.empty()) {
    NoteUnavailable("contended_lines", why, out);
    const std::vector<ContendedLine>& shared = samples.table.shared_lines;
    for (size_t i = 0; i < shared.size(); ++i) LineToProto(shared[i], samples.shared_places[i], names, lines->add_shared_lines());
    lines->set_shared_line_count(samples.table.shared_line_count);
  }
  if (!samples.places_unavailable.empty()) NoteUnavailable("places", samples.places_unavailable, out);
}

int64_t RowsOf(const v1::SampleAccessesResponse& response) {
  int64_t rows = 0;
  const auto add = [&rows](const auto& lines) {
    for (const v1::ContendedLine& line : lines) rows += 1 + line.offsets_size() + line.threads_size() + line.sites_size();
  };
  add(response.lines().lines());
  add(response.lines().shared_lines());
  return rows;
}

}  // namespace hftmon
