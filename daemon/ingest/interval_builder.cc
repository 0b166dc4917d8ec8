#include "daemon/ingest/interval_builder.h"

#include <algorithm>
#include <cstring>

#include "daemon/ingest/interrupt_builder.h"

namespace hftmon {

namespace {

// The runners of a record as one list: the inline ones, then those of its continuation.
class RunnerList {
 public:
  // `announced` is what the kernel wrote; fewer are there when continuation cells are missing.
  RunnerList(const hft_runner* inline_runners, uint8_t announced, const RingRecord& record) : inline_(inline_runners), record_(&record) {
    int cells = 0;
    while (cells < record.continuation_count && record.continuation[cells].header.type == HFT_RECORD_RUNNERS) ++cells;
    const int held = HFT_INLINE_RUNNERS + cells * HFT_RUNNERS_PER_CELL;
    const int wanted = std::min<int>(announced, HFT_CPU_LOG_ENTRIES);
    count_ = std::min(wanted, held);
    cut_ = count_ < announced;
  }
  int count() const { return count_; }
  bool cut() const { return cut_; }  // later runners are missing: where the last one here ended is not known
  const hft_runner& operator[](int i) const {
    if (i < HFT_INLINE_RUNNERS) return inline_[i];
    const int beyond = i - HFT_INLINE_RUNNERS;
    return record_->continuation[beyond / HFT_RUNNERS_PER_CELL].runners.runners[beyond % HFT_RUNNERS_PER_CELL];
  }

 private:
  const hft_runner* inline_;
  const RingRecord* record_;
  int count_;
  bool cut_;
};

struct SpanResult {
  int count;
  bool covered;  // the runners reach back to the beginning, and to the end
};

// Who ran in [begin_ns, end_ns): runner i from its clock to the next one's. Spans of no length are left out. `out` holds runners.count().
SpanResult BuildSpans(const RunnerList& runners, int64_t begin_ns, int64_t end_ns, RunnerSpan* out) {
  if (begin_ns >= end_ns) return {0, true};
  SpanResult result{0, false};
  const int count = runners.count();
  if (count == 0) return result;
  // Of a list that was cut the last one's end is not known.
  const int closed = count - (runners.cut() ? 1 : 0);
  const hft_runner* runner = &runners[0];
  result.covered = static_cast<int64_t>(runner->clock_ns) <= begin_ns;
  int64_t from_ns = std::clamp(static_cast<int64_t>(runner->clock_ns), begin_ns, end_ns);
  for (int i = 0; i < closed; ++i) {
    const hft_runner* const next = i + 1 < count ? &runners[i + 1] : nullptr;
    const int64_t until_ns = next == nullptr ? end_ns : std::clamp(static_cast<int64_t>(next->clock_ns), from_ns, end_ns);
    if (until_ns != from_ns) out[result.count++] = {runner->tid, runner->tgid, until_ns - from_ns};
    from_ns = until_ns;
    runner = next;
  }
  if (runners.cut()) result.covered = false;
  return result;
}

// A time that the kernel's clocks can have measured: below 2^62 ns, so that differences cannot overflow.
int64_t CheckedNs(uint64_t value_ns, BuildCounters* counters) {
  if (value_ns < (1ull << 62)) return static_cast<int64_t>(value_ns);
  ++counters->discarded_count;
  return 0;
}

hft_switch_kind CheckedKind(uint8_t kind) {
  return kind < HFT_SWITCH_KINDS ? static_cast<hft_switch_kind>(kind) : HFT_SWITCH_UNKNOWN;
}

hft_migration_reason CheckedReason(uint8_t reason) {
  return reason < HFT_MIGRATION_REASONS ? static_cast<hft_migration_reason>(reason) : HFT_MIGRATION_UNKNOWN;
}

void CopyComm(char (&to)[HFT_COMM_LENGTH], const char (&from)[HFT_COMM_LENGTH]) {
  std::memcpy(to, from, HFT_COMM_LENGTH);
  to[HFT_COMM_LENGTH - 1] = '\0';
}

// The parts of the wait before it came to its last CPU. Returns the time they took.
int64_t AddEarlierParts(std::span<const WaitPart> earlier, uint32_t wanted, int spans_max, OffCpuInterval* out, BuildCounters* counters) {
  int64_t sum_ns = 0;
  if (earlier.size() < wanted) {
    counters->migration_segments_dropped_count += wanted - earlier.size();
    out->runners_truncated = true;
  }
  for (const WaitPart& part : earlier.last(std::min<size_t>(earlier.size(), kWaitSegmentsMax - 1))) {
    int64_t wait_ns = part.wait_ns;
    if (wait_ns > out->wait_ns - sum_ns) {  // cannot belong to this wait
      ++counters->discarded_count;
      out->runners_truncated = true;
      continue;
    }
    WaitSegment& segment = out->segments[out->segment_count++];
    segment.cpu = part.cpu;
    segment.wait_ns = wait_ns;
    segment.first_span = out->span_count;
    const int room = std::max(spans_max - static_cast<int>(out->span_count), 0);
    const int taken = std::min<int>(part.span_count, room);
    std::copy_n(part.spans.begin(), taken, out->spans.begin() + out->span_count);
    segment.span_count = static_cast<uint16_t>(taken);
    out->span_count = static_cast<uint16_t>(out->span_count + taken);
    if (part.truncated || taken < part.span_count) out->runners_truncated = true;
    sum_ns += wait_ns;
  }
  return sum_ns;
}

// How long it waited on its last CPU, cut so that all parts fit into the whole wait.
int64_t LastWaitNs(const hft_switch_in& in, int64_t rest_ns, BuildCounters* counters) {
  if (in.queued_clock_ns == 0) return 0;  // the kernel added nothing for this CPU either
  const int64_t wait_ns = static_cast<int64_t>(in.in_clock_ns - in.queued_clock_ns);
  if (wait_ns >= 0 && wait_ns <= rest_ns) return wait_ns;
  ++counters->discarded_count;
  return std::clamp<int64_t>(wait_ns, 0, rest_ns);
}

}  // namespace

void BuildInterval(const RingRecord& record, const ThreadKey& thread, std::span<const WaitPart> earlier, const HandlerNames& names,
                   OffCpuInterval* out, BuildCounters* counters) {
  const hft_switch_in& in = record.switch_in;
  out->thread = thread;
  out->slot = in.slot;
  out->cpu = in.header.cpu;
  out->out_cpu = in.out.cpu;
  out->out_kind = CheckedKind(in.out.kind);
  out->out_syscall = in.out.syscall;
  out->depth = in.depth;
  out->priority = in.priority;
  out->prev_priority = in.prev_priority;
  out->policy = in.policy;
  out->prev_policy = in.prev_policy;
  out->out_clock_ns = static_cast<int64_t>(in.out_clock_ns);
  out->preemption.known = false;
  out->waker.state = WakerState::kNone;
  out->call.state = HFT_CALL_NONE;
  out->wait_migrations = in.out.wait_migrations;
  out->runners_truncated = in.runners_truncated != 0 || record.continuation_incomplete;
  out->end_mono_ns = static_cast<int64_t>(in.header.mono_ns);
  out->wait_ns = CheckedNs(in.wait_ns, counters);
  out->off_cpu_ns = -1;
  if (in.out_clock_ns != 0) {
    out->off_cpu_ns = static_cast<int64_t>(in.in_clock_ns - in.out_clock_ns);
    if (out->off_cpu_ns < 0) {
      ++counters->discarded_count;
      out->off_cpu_ns = -1;
    }
  }
  CopyComm(out->prev_comm, in.prev_comm);

  const RunnerList runners(in.runners, in.runner_count, record);
  if (runners.cut()) out->runners_truncated = true;
  out->prev_tid = runners.count() > 0 && !runners.cut() ? runners[runners.count() - 1].tid : 0;
  out->segment_count = 0;
  out->span_count = 0;
  const int64_t earlier_ns = AddEarlierParts(earlier, in.out.wait_migrations, kRunnerSpansMax - runners.count(), out, counters);

  const int64_t wait_ns = LastWaitNs(in, out->wait_ns - earlier_ns, counters);
  const int64_t end_ns = CheckedNs(in.in_clock_ns, counters);
  out->end_clock_ns = end_ns;
  const SpanResult spans = BuildSpans(runners, end_ns - wait_ns, end_ns, out->spans.data() + out->span_count);
  WaitSegment& last = out->segments[out->segment_count++];
  last.cpu = in.header.cpu;
  last.wait_ns = wait_ns;
  last.first_span = out->span_count;
  last.span_count = static_cast<uint16_t>(spans.count);
  out->span_count = static_cast<uint16_t>(out->span_count + spans.count);
  if (!spans.covered) out->runners_truncated = true;
  BuildInterrupts(record, {}, in.interruption_count, in.interruptions_truncated != 0, names, &out->interrupts);
}

void BuildPreemption(const RingRecord& record, Preemption* out) {
  const hft_preempted& from = record.preempted;
  out->known = true;
  out->preemptor_stopper = from.next_stopper != 0;
  out->victim_priority = from.priority;
  out->victim_policy = from.policy;
  out->preemptor_priority = from.next_priority;
  out->preemptor_policy = from.next_policy;
  out->preemptor_tid = from.next_tid;
  out->preemptor_tgid = from.next_tgid;
  const bool queued = from.next_queued_clock_ns != 0 && from.next_queued_clock_ns <= from.out_clock_ns;
  out->preemptor_queued_ns = queued ? static_cast<int64_t>(from.out_clock_ns - from.next_queued_clock_ns) : -1;
  CopyComm(out->preemptor_comm, from.next_comm);
}

void BuildWaker(const RingRecord& record, std::span<const hft_device_row> devices, WakerTable::Entry* out, BuildCounters* counters) {
  const hft_waker& from = record.waker;
  out->tid = from.tid;
  out->voluntary_count = from.voluntary_count;
  out->out_clock_ns = CheckedNs(from.out_clock_ns, counters);
  out->log_position = from.log_position;
  out->wait_cpu = from.wait_cpu;
  Waker& waker = out->waker;
  waker.state = WakerState::kKnown;
  waker.woken_mono_ns = CheckedNs(from.header.mono_ns, counters);
  waker.tid = from.waker_tid;
  waker.tgid = from.waker_tgid;
  waker.cpu = from.header.cpu;
  waker.context = from.context < HFT_WAKER_CONTEXTS ? static_cast<hft_waker_context>(from.context) : HFT_WAKER_THREAD;
  waker.source = from.source < HFT_SOURCES ? static_cast<hft_interrupt_source>(from.source) : HFT_SOURCE_NONE;
  waker.number = from.number;
  waker.priority = from.waker_priority;
  waker.policy = from.waker_policy;
  waker.woken_priority = from.priority;
  waker.woken_policy = from.policy;
  CopyComm(waker.comm, from.waker_comm);
  CopyHandlerName(waker.source, from.row, {devices, {}}, waker.handler);
}

void BuildCall(const hft_blocked_call& from, Call* out, BuildCounters* counters) {
  if (from.state >= HFT_CALL_STATES || from.owner_source >= HFT_OWNER_SOURCES || from.owner_state >= HFT_OWNER_STATES) {
    ++counters->discarded_count;
    out->state = HFT_CALL_NONE;
    return;
  }
  out->state = static_cast<hft_call_state>(from.state);
  out->owner_source = static_cast<hft_owner_source>(from.owner_source);
  out->owner_state = static_cast<hft_owner_state>(from.owner_state);
  out->futex_command = from.futex_command;
  out->futex_word = from.futex_word;
  out->futex_word_known = true;
  out->owner_tid = from.owner_tid;
  out->owner_syscall = from.owner_syscall;
  out->owner_priority = from.owner_priority;
  out->owner_policy = from.owner_policy;
  std::copy(std::begin(from.arguments), std::end(from.arguments), std::begin(out->arguments));
  out->wake_at_mono_ns = CheckedNs(from.wake_at_ns, counters);
}

void BuildBoostStep(const RingRecord& record, const ThreadKey& thread, BoostStep* out) {
  const hft_boost& from = record.boost;
  out->thread = thread;
  out->slot = from.slot;
  out->old_priority = from.old_priority;
  out->new_priority = from.new_priority;
  out->own_priority = from.own_priority;
  out->policy = from.policy;
  out->donor_tid = from.donor_tid;
  out->donor_tgid = from.donor_tgid;
  out->mono_ns = static_cast<int64_t>(from.header.mono_ns);
  CopyComm(out->donor_comm, from.donor_comm);
}

void BuildWaitPart(const RingRecord& record, WaitPart* out, BuildCounters* counters) {
  const hft_migration& move = record.migration;
  const RunnerList runners(move.runners, move.runner_count, record);
  RunnerSpan spans[HFT_CPU_LOG_ENTRIES];
  out->cpu = move.from_cpu;
  out->wait_ns = CheckedNs(move.wait_ns, counters);
  const int64_t end_ns = CheckedNs(move.from_clock_ns, counters);
  SpanResult built = BuildSpans(runners, end_ns - out->wait_ns, end_ns, spans);
  out->truncated = move.runners_truncated != 0 || record.continuation_incomplete || !built.covered;
  // Too many to keep: the shortest explain least.
  while (built.count > WaitPart::kKeptSpans) {
    RunnerSpan* shortest = std::min_element(spans, spans + built.count,
                                            [](const RunnerSpan& a, const RunnerSpan& b) { return a.duration_ns < b.duration_ns; });
    std::copy(shortest + 1, spans + built.count, shortest);
    --built.count;
    out->truncated = true;
  }
  std::copy_n(spans, built.count, out->spans.begin());
  out->span_count = static_cast<uint8_t>(built.count);
}

void BuildLifeEvent(const RingRecord& record, uint32_t slot_count, LifeEvent* out) {
  const hft_life& life = record.life;
  *out = LifeEvent{};
  switch (life.header.type) {
    case HFT_RECORD_EXEC:
      out->kind = LifeKind::kExec;
      out->previous_tid = life.previous_tid;
      break;
    case HFT_RECORD_ENDED:
      out->kind = LifeKind::kEnded;
      out->process_ended = life.process_ended != 0;
      break;
    case HFT_RECORD_RECYCLED:
      out->kind = LifeKind::kRecycled;
      break;
    case HFT_RECORD_VISITOR:
      out->kind = LifeKind::kVisitor;
      out->from_cpu = life.header.cpu;
      break;
    default:
      out->kind = LifeKind::kFork;
      out->parent_tid = life.parent_tid;
      out->parent_tgid = life.parent_tgid;
      break;
  }
  out->thread = {life.tid, life.tgid, static_cast<int64_t>(life.start_ns)};
  out->slot = life.slot < slot_count ? life.slot : uint16_t{HFT_NO_SLOT};
  out->mono_ns = static_cast<int64_t>(life.header.mono_ns);
  CopyComm(out->comm, life.comm);
}

void BuildMigrationEvent(const RingRecord& record, const ThreadKey& thread, LifeEvent* out) {
  const hft_migration& move = record.migration;
  *out = LifeEvent{};
  out->kind = LifeKind::kMigration;
  out->thread = thread;
  out->slot = move.slot;
  out->from_cpu = move.from_cpu;
  out->to_cpu = move.to_cpu;
  out->reason = CheckedReason(move.reason);
  out->mono_ns = static_cast<int64_t>(move.header.mono_ns);
  CopyComm(out->comm, move.from_comm);
}

}  // namespace hftmon
