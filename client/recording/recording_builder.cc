#include "client/recording/recording_builder.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/duration.h"

namespace hftmon {
namespace {

PieceState StateOf(const std::string& name) {
  for (const PieceState state : {PieceState::kRunning, PieceState::kWaiting, PieceState::kBlocked, PieceState::kInterrupted}) {
    if (PieceStateName(state) == name) return state;
  }
  return PieceState::kUnknown;
}

RecordedThreadId IdOf(const v1::ThreadId& thread) {
  return {.pid = thread.pid(), .tid = thread.tid(), .start_boottime_ns = thread.start_boottime_ns(), .comm = thread.comm()};
}

RecordedWaker WakerOf(const v1::Waker& waker) {
  return {.known = waker.known(),
          .context = waker.context(),
          .tid = waker.tid(),
          .pid = waker.pid(),
          .comm = waker.comm(),
          .cpu = waker.known() ? waker.cpu() : -1,
          .interrupt = waker.interrupt(),
          .woken_ns = waker.woken_monotonic_ns()};
}

std::string FrameName(const v1::StackFrame& frame) {
  if (!frame.symbol().empty()) return frame.symbol();
  if (!frame.module().empty()) return fmt::format("{}+{:#x}", frame.module(), frame.module_offset());
  return fmt::format("{:#x}", frame.address());
}

std::vector<std::string> FramesOf(const v1::StackPart& part) {
  std::vector<std::string> frames;
  for (const v1::StackFrame& frame : part.frames()) frames.push_back(FrameName(frame));
  return frames;
}

RecordedCause CauseOf(const v1::Cause& cause) {
  return {.kind = cause.kind(),
          .duration_ns = cause.duration_ns(),
          .estimated = cause.estimated(),
          .cpu = cause.cpu(),
          .pid = cause.actor().pid(),
          .tid = cause.actor().tid(),
          .irq = cause.actor().irq(),
          .comm = cause.actor().comm(),
          .name = cause.actor().name(),
          .evidence = cause.evidence()};
}

RecordedSpike SpikeOf(const v1::Spike& spike) {
  RecordedSpike out;
  out.id = spike.id();
  out.thread = IdOf(spike.thread());
  out.target_pid = spike.target_pid();
  out.cpu = spike.cpu();
  out.start_ns = spike.start_monotonic_ns();
  out.duration_ns = spike.duration_ns();
  out.kind = spike.kind();
  out.in_progress = spike.in_progress();
  out.inconclusive = spike.inconclusive();
  out.inconclusive_reason = spike.inconclusive_reason();
  out.lost_records = spike.lost_records();
  for (const v1::Cause& cause : spike.causes()) out.causes.push_back(CauseOf(cause));
  out.unexplained_ns = spike.unexplained_ns();
  out.operation = spike.operation().name();
  out.operation_value = spike.operation().value();
  if (spike.has_waker()) out.waker = WakerOf(spike.waker());
  out.kernel_stack = FramesOf(spike.stack().kernel());
  out.user_stack = FramesOf(spike.stack().user());
  return out;
}

RecordedSwitch SwitchOf(const v1::SwitchEvent& event) {
  RecordedSwitch out;
  out.thread = IdOf(event.thread());
  out.start_ns = event.start_monotonic_ns();
  if (event.has_duration_ns()) out.duration_ns = event.duration_ns();
  out.run_queue_ns = event.run_queue_ns();
  out.kind = event.kind();
  out.voluntary = event.voluntary();
  out.syscall = event.syscall();
  out.cpu_out = event.cpu_out();
  out.cpu_in = event.cpu_in();
  out.preemptor_tid = event.preemptor_tid();
  out.preemptor_comm = event.preemptor_comm();
  out.migration_reason = event.migration_reason();
  if (event.has_waker()) out.waker = WakerOf(event.waker());
  return out;
}

// A file may be damaged, or made by anybody: times that no clock has would overflow whoever adds to them.
constexpr int64_t kTimeMaxNs = int64_t{1} << 58;      // nine years of CLOCK_MONOTONIC
constexpr int64_t kRealtimeMaxNs = int64_t{1} << 62;  // until 2116
bool IsSpan(int64_t start_ns, int64_t duration_ns) {
  return start_ns >= 0 && start_ns < kTimeMaxNs && duration_ns >= 0 && duration_ns < kTimeMaxNs;
}
bool IsBudget(const v1::Spike& spike) {
  int64_t left_ns = spike.duration_ns();
  for (const v1::Cause& cause : spike.causes()) {
    if (cause.duration_ns() < 0 || cause.duration_ns() > left_ns) return false;
    left_ns -= cause.duration_ns();
  }
  return spike.unexplained_ns() >= 0 && spike.unexplained_ns() <= left_ns;
}

constexpr char kImpossible[] = "entries with times that cannot be were left out: the file is damaged";

bool SameBut(const RecordedPiece& a, const RecordedPiece& b) {
  return a.state == b.state && a.cpu == b.cpu && a.detail == b.detail && a.other_tid == b.other_tid && a.spike_id == b.spike_id;
}

}  // namespace

void RecordingBuilder::Add(const v1::RecordingPart& part) {
  switch (part.part_case()) {
    case v1::RecordingPart::kHeader:
      return AddHeader(part.header());
    case v1::RecordingPart::kTimeline:
      return AddTimeline(part.timeline());
    case v1::RecordingPart::kSpikes:
      return AddSpikes(part.spikes());
    case v1::RecordingPart::kSwitches:
      return AddSwitches(part.switches());
    case v1::RecordingPart::kOperations:
      return SetOperations(part.operations());
    case v1::RecordingPart::kInterrupts:
      return AddInterrupts(part.interrupts());
    case v1::RecordingPart::kMetrics:
      return AddMetrics(part.metrics());
    case v1::RecordingPart::kMetricList:
      for (const v1::MetricDescription& metric : part.metric_list().metrics()) units_[metric.name()] = metric.unit();
      return;
    case v1::RecordingPart::kWarning:
      return AddNote(part.warning().text());
    case v1::RecordingPart::kEnd:
      recording_.whole = true;
      recording_.end_reason = part.end().reason();
      if (IsSpan(part.end().end_monotonic_ns(), 0)) recording_.end_ns = std::max(recording_.begin_ns, part.end().end_monotonic_ns());
      return;
    case v1::RecordingPart::PART_NOT_SET:
      return AddNote("a part of a kind that this hftmon does not know was left out: use the version that recorded it");
  }
}

void RecordingBuilder::AddNote(const std::string& note) {
  AddFact(note);
  recording_.incomplete = true;
}

void RecordingBuilder::AddFact(const std::string& fact) {
  if (notes_seen_.insert(fact).second) recording_.notes.push_back(fact);
}

void RecordingBuilder::AddHeader(const v1::RecordingHeader& header) {
  recording_.recorder_version = header.recorder_version();
  recording_.daemon_version = header.daemon_version();
  recording_.host = header.host();
  recording_.kernel = header.kernel();
  if (IsSpan(header.time().monotonic_ns(), 0) && header.time().realtime_ns() >= 0 && header.time().realtime_ns() < kRealtimeMaxNs &&
      IsSpan(header.begin_monotonic_ns(), 0)) {
    recording_.pair_monotonic_ns = header.time().monotonic_ns();
    recording_.pair_realtime_ns = header.time().realtime_ns();
    recording_.begin_ns = header.begin_monotonic_ns();
  } else {
    AddNote(kImpossible);
  }
  for (const v1::RecordedNode& node : header.nodes()) {
    recording_.nodes.push_back({.node = node.node(), .cpus = {node.cpus().begin(), node.cpus().end()}});
  }
  recording_.end_ns = recording_.begin_ns;
}

void RecordingBuilder::AddTimeline(const v1::QueryTimelineResponse& timeline) {
  for (const v1::ThreadTimeline& told : timeline.threads()) {
    const v1::ThreadId& id = told.thread();
    const auto [found, is_new] = threads_.try_emplace(ThreadKey(id.pid(), id.tid(), id.start_boottime_ns()));
    RecordedThread& thread = found->second;
    if (is_new) thread.truncated = told.truncated();
    if (is_new || !id.comm().empty()) thread.id = IdOf(id);
    for (const v1::TimelinePiece& piece : told.pieces()) AddPiece(piece, &thread);
  }
  recording_.lost_records += timeline.lost_records();
  const auto raise = [](std::optional<int64_t>* floor_ns, int64_t ns) { *floor_ns = std::max(floor_ns->value_or(ns), ns); };
  if (timeline.has_run_queue_floor_ns()) raise(&recording_.run_queue_floor_ns, timeline.run_queue_floor_ns());
  if (timeline.has_off_cpu_floor_ns()) raise(&recording_.off_cpu_floor_ns, timeline.off_cpu_floor_ns());
  floors_missing_run_queue_ |= !timeline.has_run_queue_floor_ns();
  floors_missing_off_cpu_ |= !timeline.has_off_cpu_floor_ns();
  has_timeline_ = true;
  if (IsSpan(timeline.window().end_monotonic_ns(), 0)) {
    recording_.end_ns = std::max(recording_.end_ns, timeline.window().end_monotonic_ns());
  }
}

void RecordingBuilder::AddPiece(const v1::TimelinePiece& piece, RecordedThread* thread) {
  if (!IsSpan(piece.start_monotonic_ns(), piece.duration_ns())) return AddNote(kImpossible);
  RecordedPiece out{.start_ns = piece.start_monotonic_ns(),
                    .duration_ns = piece.duration_ns(),
                    .state = StateOf(piece.state()),
                    .cpu = piece.has_cpu() ? piece.cpu() : -1,
                    .other_tid = piece.other_tid(),
                    .spike_id = piece.spike_id(),
                    .detail = piece.detail()};
  if (!thread->pieces.empty()) {
    RecordedPiece& last = thread->pieces.back();
    // Answers abut; where they overlap all the same, what was told first counts.
    if (out.start_ns < last.end_ns()) {
      out.duration_ns = out.end_ns() - last.end_ns();
      out.start_ns = last.end_ns();
    }
    if (out.duration_ns > 0 && out.start_ns == last.end_ns() && SameBut(last, out)) {
      last.duration_ns += out.duration_ns;
      return;
    }
  }
  if (out.duration_ns > 0) thread->pieces.push_back(std::move(out));
}

void RecordingBuilder::AddSpikes(const v1::DetectSpikesResponse& answer) {
  for (const v1::Spike& spike : answer.spikes()) {
    if (IsSpan(spike.start_monotonic_ns(), spike.duration_ns()) && IsBudget(spike)) {
      spikes_[spike.id()] = SpikeOf(spike);
    } else {
      AddNote(kImpossible);
    }
  }
}

void RecordingBuilder::AddSwitches(const v1::QueryContextSwitchesResponse& answer) {
  for (const v1::SwitchEvent& event : answer.events()) {
    const bool possible = IsSpan(event.start_monotonic_ns(), event.duration_ns()) && event.run_queue_ns() >= 0 &&
                          (!event.has_duration_ns() || event.run_queue_ns() <= event.duration_ns()) &&
                          IsSpan(event.waker().woken_monotonic_ns(), 0);
    if (!possible) {
      AddNote(kImpossible);
      continue;
    }
    const auto key = std::make_tuple(event.thread().tid(), event.start_monotonic_ns(), event.duration_ns(), event.kind());
    if (switches_seen_.insert(key).second) recording_.switches.push_back(SwitchOf(event));
  }
}

void RecordingBuilder::SetOperations(const v1::QueryOperationsResponse& answer) {
  recording_.operations.clear();
  for (const v1::MarkedProgram& program : answer.programs()) {
    for (const v1::OperationSum& sum : program.operations()) {
      RecordedOperation out;
      out.pid = program.pid();
      out.comm = program.comm();
      out.name = sum.name();
      out.count = sum.durations().count();
      out.error_count = sum.error_count();
      out.rate_hz = sum.rate_hz();
      out.sum_ns = sum.durations().sum_ns();
      if (sum.durations().has_max_ns()) out.max_ns = sum.durations().max_ns();
      for (const v1::Percentile& percentile : sum.durations().percentiles()) out.percentiles[percentile.percent()] = percentile.value_ns();
      out.spike_count = sum.spike_count();
      out.dropped_marks = program.marks().dropped_count();
      recording_.operations.push_back(std::move(out));
    }
  }
}

void RecordingBuilder::AddInterrupts(const v1::QueryInterruptsResponse& answer) {
  std::map<InterruptKey, InterruptSum> sums;
  for (const v1::CpuInterrupts& cpu : answer.cpus()) {
    for (const v1::InterruptSource& source : cpu.sources()) {
      sums[InterruptKey(cpu.cpu(), source.kind(), source.name())] = {source.count(), source.self_ns()};
    }
  }
  (interrupt_answers_ == 0 ? interrupts_first_ : interrupts_last_) = std::move(sums);
  ++interrupt_answers_;
}

void RecordingBuilder::AddMetrics(const v1::WatchMetricsResponse& snapshot) {
  if (!IsSpan(snapshot.window().end_monotonic_ns(), 0)) return AddNote(kImpossible);
  for (const v1::MetricSample& sample : snapshot.samples()) {
    RecordedCounter& counter = counters_[std::make_tuple(sample.metric(), sample.pid(), sample.tid())];
    counter.metric = sample.metric();
    counter.pid = sample.pid();
    counter.tid = sample.tid();
    counter.estimated |= sample.estimated();
    counter.samples.push_back({.time_ns = snapshot.window().end_monotonic_ns(), .value = sample.value()});
  }
}

// One answer alone has sums since the daemon's start, which are not of the recording's time.
void RecordingBuilder::FinishInterrupts() {
  if (interrupt_answers_ < 2) return;
  for (const auto& [key, last] : interrupts_last_) {
    const auto first = interrupts_first_.find(key);
    const InterruptSum before = first == interrupts_first_.end() ? InterruptSum{} : first->second;
    // Sums that went back are another daemon's.
    if (last.first <= before.first || !IsSpan(before.second, 0) || last.second < before.second) continue;
    recording_.interrupts.push_back({.cpu = std::get<0>(key),
                                     .kind = std::get<1>(key),
                                     .name = std::get<2>(key),
                                     .count = last.first - before.first,
                                     .self_ns = last.second - before.second});
  }
}

void RecordingBuilder::FinishTimes() {
  if (floors_missing_run_queue_) recording_.run_queue_floor_ns.reset();
  if (floors_missing_off_cpu_) recording_.off_cpu_floor_ns.reset();
  if (recording_.run_queue_floor_ns) {
    AddFact(fmt::format("waits for a CPU shorter than {} were recorded nowhere: they look like running",
                        FormatDuration(*recording_.run_queue_floor_ns)));
  }
  if (recording_.off_cpu_floor_ns) {
    AddFact(
        fmt::format("sleeps shorter than {} were recorded nowhere: they look like running", FormatDuration(*recording_.off_cpu_floor_ns)));
  }
  if (!recording_.whole) {
    AddNote("the recording has no end: the recorder was killed, or the file was cut off; what stands before that is all here");
  }
  if (recording_.lost_records > 0) {
    AddNote(fmt::format("{} records were lost in its time: what they told is missing, or unknown", recording_.lost_records));
  }
}

Recording RecordingBuilder::Finish() && {
  for (auto& [key, thread] : threads_) recording_.threads.push_back(std::move(thread));
  FinishTimes();
  for (auto& [id, spike] : spikes_) {
    // Answers reach to the moment at which they were asked.
    const bool within = !has_timeline_ || (spike.end_ns() > recording_.begin_ns && spike.start_ns < recording_.end_ns);
    if (within) recording_.spikes.push_back(std::move(spike));
  }
  std::stable_sort(recording_.spikes.begin(), recording_.spikes.end(),
                   [](const auto& a, const auto& b) { return a.start_ns < b.start_ns; });
  std::erase_if(recording_.switches, [this](const RecordedSwitch& event) {
    const int64_t end_ns = event.start_ns + std::max<int64_t>(0, event.duration_ns);
    return has_timeline_ && (end_ns < recording_.begin_ns || event.start_ns >= recording_.end_ns);
  });
  std::stable_sort(recording_.switches.begin(), recording_.switches.end(),
                   [](const auto& a, const auto& b) { return a.start_ns < b.start_ns; });
  for (auto& [key, counter] : counters_) {
    const auto unit = units_.find(counter.metric);
    if (unit != units_.end()) counter.unit = unit->second;
    recording_.counters.push_back(std::move(counter));
  }
  FinishInterrupts();
  return std::move(recording_);
}

}  // namespace hftmon
