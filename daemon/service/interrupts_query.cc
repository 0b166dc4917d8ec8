#include "daemon/service/interrupts_query.h"

#include <algorithm>
#include <set>
#include <span>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "common/utf8.h"
#include "daemon/analysis/interrupt_names.h"
#include "daemon/service/convert.h"
#include "daemon/service/convert_deferred.h"
#include "daemon/service/rich_error.h"

namespace hftmon {
namespace {

const char* LevelOf(hft_interrupt_source source) {
  if (source == HFT_SOURCE_NMI) return "nmi";
  return source >= HFT_SOURCE_SOFTIRQ ? "softirq" : "hard_irq";
}

// Handlers of all devices are one source here, and so are vectors without a name of their own.
std::string SourceName(hft_interrupt_source source) {
  if (source == HFT_SOURCE_DEVICE) return "device";
  if (source == HFT_SOURCE_VECTOR) return "vector";
  return InterruptName(source, 0, "");
}

// Largest first. Sources that never came are left out.
void SourcesToProto(const SourceSums& sums, google::protobuf::RepeatedPtrField<v1::InterruptSource>* out) {
  std::vector<size_t> order;
  for (size_t i = 0; i < sums.size(); ++i) {
    if (sums[i].count > 0) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&sums](size_t a, size_t b) { return sums[a].self_ns > sums[b].self_ns; });
  for (const size_t i : order) {
    const auto source = static_cast<hft_interrupt_source>(i);
    v1::InterruptSource* entry = out->Add();
    entry->set_kind(LevelOf(source));
    entry->set_name(SourceName(source));
    entry->set_count(sums[i].count);
    entry->set_self_ns(sums[i].self_ns);
  }
}

void ThreadToProto(const ThreadInterruptTotal& total, ThreadNames* names, v1::ThreadInterrupts* out) {
  ThreadToProto(total.thread, names, out->mutable_thread());
  uint64_t count = 0;
  int64_t self_ns = 0;
  for (const SourceSum& sum : total.sources) {
    count += sum.count;
    self_ns += sum.self_ns;
  }
  out->set_count(count);
  out->set_self_ns(self_ns);
  out->set_stretch_max_ns(total.stretch_max_ns);
  SourcesToProto(total.sources, out->mutable_sources());
}

void CpuToProto(const CpuInterruptTotal& total, v1::CpuInterrupts* out) {
  out->set_cpu(static_cast<int32_t>(total.cpu));
  SourcesToProto(total.sources, out->mutable_sources());
  for (const DeviceTotal& device : total.devices) {
    v1::DeviceHandler* entry = out->add_devices();
    entry->set_irq(static_cast<int32_t>(device.irq));
    entry->set_name(device.name.empty() ? "others" : ValidUtf8(device.name));
    entry->set_count(device.count);
    entry->set_unhandled_count(device.unhandled_count);
    entry->set_self_ns(device.self_ns);
  }
  if (total.steal_ns) out->set_steal_ns(*total.steal_ns);
  out->set_steal_monotonic_ns(total.steal_mono_ns);
  out->set_unpaired_count(total.unpaired_count);
  out->set_discarded_count(total.discarded_count);
}

void LineToProto(const InterruptAffinity& line, ThreadNames* names, v1::InterruptLine* out) {
  out->set_irq(line.irq);
  for (const std::string& handler : line.handlers) out->add_handlers(ValidUtf8(handler));
  out->set_chip(ValidUtf8(line.chip));
  out->mutable_allowed_cpus()->Add(line.allowed_cpus.begin(), line.allowed_cpus.end());
  out->mutable_effective_cpus()->Add(line.effective_cpus.begin(), line.effective_cpus.end());
  out->mutable_hit_reserved_cpus()->Add(line.reserved_effective_cpus.begin(), line.reserved_effective_cpus.end());
  out->mutable_allowed_reserved_cpus()->Add(line.reserved_allowed_cpus.begin(), line.reserved_allowed_cpus.end());
  out->set_hit_thread_count(line.bound_thread_count);
  for (const BoundThread& hit : line.bound_threads) {
    v1::BoundThread* thread = out->add_hit_threads();
    ThreadToProto(hit.thread, names, thread->mutable_thread());
    thread->mutable_cpus()->Add(hit.cpus.begin(), hit.cpus.end());
  }
}

void AddLines(const ServiceCore& core, std::span<const ThreadKey> threads, v1::QueryInterruptsResponse* response) {
  const absl::StatusOr<InterruptAffinityReport> report = core.affinities->Read(threads);
  if (!report.ok()) return response->set_lines_unavailable(std::string(report.status().message()));
  response->set_unread_thread_count(report->unread_thread_count);
  response->set_unread_line_count(report->unread_line_count);
  for (const InterruptAffinity& line : report->lines) LineToProto(line, core.names, response->add_lines());
}

// Adds to `found` the threads that the window has.
void AddWindow(const ServiceCore& core, const TargetSelection& selection, int64_t window_ns, const Arrival& arrival,
               const std::unordered_set<uint32_t>& wanted, std::unordered_set<uint32_t>* found, v1::QueryInterruptsResponse* response) {
  const int64_t end_ns = arrival.time.monotonic_ns;
  const int64_t begin_ns = std::max<int64_t>(0, end_ns - window_ns);
  const WindowAnswer answer = core.windows->Query(begin_ns, end_ns, [&](const ThreadKey& thread) {
    return selection.Keeps(thread) && (wanted.empty() || wanted.contains(thread.tid));
  });
  v1::Window* window = response->mutable_window();
  window->set_begin_monotonic_ns(answer.begin_mono_ns);
  window->set_end_monotonic_ns(answer.end_mono_ns);
  window->set_requested_ns(window_ns);
  window->set_resolution_ns(answer.resolution_ns);
  window->set_truncated(answer.truncated || begin_ns < selection.last_attached_mono_ns());
  window->set_late(arrival.late);
  window->set_off_ns(core.status->OffWithin(answer.begin_mono_ns, answer.end_mono_ns));
  for (const ThreadWindow& thread : answer.threads) {
    found->insert(thread.thread.tid);
    if (std::all_of(thread.interrupted_ns.begin(), thread.interrupted_ns.end(), [](uint64_t taken_ns) { return taken_ns == 0; })) continue;
    v1::WindowInterrupts* row = response->add_window_threads();
    ThreadToProto(thread.thread, core.names, row->mutable_thread());
    row->set_nmi_ns(static_cast<int64_t>(thread.interrupted_ns[HFT_LEVEL_NMI]));
    row->set_hard_irq_ns(static_cast<int64_t>(thread.interrupted_ns[HFT_LEVEL_HARD]));
    row->set_softirq_ns(static_cast<int64_t>(thread.interrupted_ns[HFT_LEVEL_SOFTIRQ]));
  }
  const auto taken_ns = [](const v1::WindowInterrupts& row) { return row.nmi_ns() + row.hard_irq_ns() + row.softirq_ns(); };
  std::stable_sort(response->mutable_window_threads()->begin(), response->mutable_window_threads()->end(),
                   [&](const v1::WindowInterrupts& a, const v1::WindowInterrupts& b) { return taken_ns(a) > taken_ns(b); });
}

// Of every possible CPU; those asked for, or those that had any.
grpc::Status AddCpus(const std::vector<CpuInterruptTotal>& totals, const std::set<int32_t>& cpus, v1::QueryInterruptsResponse* response) {
  for (const int32_t cpu : cpus) {
    if (totals.empty() || static_cast<size_t>(cpu) < totals.size()) continue;
    return RichError(grpc::StatusCode::NOT_FOUND, "NOT_A_CPU",
                     absl::StrCat("CPU ", cpu, " is none of this host's: give CPUs of 0-", totals.size() - 1));
  }
  for (const CpuInterruptTotal& total : totals) {
    if (!cpus.empty() && !cpus.contains(static_cast<int32_t>(total.cpu))) continue;
    const bool any = std::any_of(total.sources.begin(), total.sources.end(), [](const SourceSum& sum) { return sum.count > 0; });
    if (any || !cpus.empty()) CpuToProto(total, response->add_cpus());
  }
  return grpc::Status::OK;
}

}  // namespace

grpc::Status AnswerInterrupts(const ServiceCore& core, const TargetSelection& selection, const v1::QueryInterruptsRequest& request,
                              const Arrival& arrival, v1::QueryInterruptsResponse* response) {
  const std::unordered_set<uint32_t> wanted(request.tids().begin(), request.tids().end());
  std::unordered_set<uint32_t> found;
  response->set_late(arrival.late);
  if (request.window_ns() > 0) AddWindow(core, selection, request.window_ns(), arrival, wanted, &found, response);
  std::vector<ThreadKey> threads;
  for (const TargetInfo& target : selection.targets()) {
    for (const ThreadInterruptTotal& total : core.interrupts->ThreadsOf(target.pid)) {
      if (!selection.Keeps(total.thread) || (!wanted.empty() && !wanted.contains(total.thread.tid))) continue;
      found.insert(total.thread.tid);
      threads.push_back(total.thread);
      ThreadToProto(total, core.names, response->add_threads());
    }
  }
  if (const grpc::Status checked = CheckTidsFound(request.tids(), found, "irqs"); !checked.ok()) return checked;
  const std::vector<CpuInterruptTotal> totals = core.interrupts->Cpus();
  // Of the figures, not of the lines, which take their time.
  const TimePair now = core.status->Now();
  TimePairToProto(now, response->mutable_time());
  response->set_unslotted_thread_count(selection.UnslottedSince(now.monotonic_ns));
  const std::set<int32_t> cpus(request.cpus().begin(), request.cpus().end());
  if (const grpc::Status added = AddCpus(totals, cpus, response); !added.ok()) return added;
  DeferredToProto(core.deferred->Read(), cpus, response->mutable_deferred());
  if (request.with_lines()) AddLines(core, threads, response);
  return grpc::Status::OK;
}

}  // namespace hftmon
