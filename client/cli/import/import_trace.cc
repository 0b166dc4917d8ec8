#include "client/cli/import/import_trace.h"

#include <fmt/format.h>

#include <cstdlib>
#include <string>

#include "common/memory_access/spe_access.h"

namespace hftmon {
namespace {

// Of the events that sampled the trace. Null: none of the file's.
const PerfEvent* EventOf(const PerfDataSummary& summary, uint64_t pmu_type) {
  for (const PerfEvent& event : summary.events) {
    if (event.attr.type == pmu_type) return &event;
  }
  return nullptr;
}

}  // namespace

void ImportTrace::OnInfo(const PerfAuxtraceInfo& info) {
  if (info.type == PerfAuxtraceType::kArmSpe) {
    spe_.OnInfo(info);
  } else {
    other_type_ = info.type;
  }
}

absl::Status ImportTrace::Read(ByteSource& source, const PerfDataSummary& summary, ImportAccesses* accesses) {
  if (!spe_.is_spe()) return absl::OkStatus();
  const PerfEvent* const event = EventOf(summary, spe_.pmu_type());
  const bool has_period = event != nullptr && !event->attr.frequency() && event->attr.period_or_frequency > 0;
  if (has_period) trace_.interval = event->attr.period_or_frequency;
  // Of Arm hosts the id is the first CPU's MIDR, in hexadecimal.
  const SpeReadOptions options{.host_midr = std::strtoull(summary.host.cpu_id.c_str(), nullptr, 16),
                               .clock_is_own = event != nullptr && event->attr.uses_clock_id()};
  threads_.Sort();
  const absl::Status read = spe_.Read(source, options, [&](const SpeSample& sample) {
    MemoryAccess access = AccessOfSpe(sample.record, sample.encoding, trace_.interval.value_or(1));
    const std::optional<TraceThread> thread = threads_.Of(sample);
    if (thread) {
      access.pid = thread->pid;
      access.tid = thread->tid;
    }
    access.cpu = sample.cpu;
    access.time_ns = sample.time_ns;
    const bool is_access = access.source.IsAccess();
    ++(is_access ? trace_.accesses : trace_.other_operations);
    trace_.without_own_time += is_access && !sample.own_time ? 1 : 0;
    accesses->AddTraced(access, thread.has_value());
  });
  trace_.counts = spe_.counts();
  trace_.dropped_thread_records = threads_.dropped_count();
  trace_.bytes = summary.aux_bytes;
  return read;
}

std::optional<ImportedTrace> ImportTrace::Finish(const PerfDataSummary& summary, std::vector<UnavailablePart>* unavailable) const {
  if (spe_.is_spe() && spe_.refusal().empty()) return trace_;
  if (spe_.is_spe()) {
    unavailable->push_back({"hardware_trace", spe_.refusal()});
  } else if (summary.aux_bytes > 0) {
    const std::string_view name = other_type_ == PerfAuxtraceType::kIntelPt ? "Intel PT" : "neither Arm SPE's, which is, nor known here";
    unavailable->push_back({"hardware_trace", fmt::format("{} bytes of a hardware trace ({}) are not decoded: `perf script --itrace` turns "
                                                          "them into samples, on the machine that has perf for it",
                                                          summary.aux_bytes, name)});
  }
  return std::nullopt;
}

}  // namespace hftmon
