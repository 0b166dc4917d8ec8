#include "daemon/store/event_recorder.h"

#include <cstring>

namespace hftmon {

void EventRecorder::OnInterval(const OffCpuInterval& interval) {
  if (interval.wait_ns <= run_queue_threshold_ns_.load(std::memory_order_relaxed) &&
      interval.off_cpu_ns <= off_cpu_threshold_ns_.load(std::memory_order_relaxed)) {
    return;
  }
  SwitchEvent& event = event_;
  event.thread = interval.thread;
  event.end_mono_ns = interval.end_mono_ns;
  event.off_cpu_ns = interval.off_cpu_ns;
  event.wait_ns = interval.wait_ns;
  event.out_syscall = interval.out_syscall;
  event.prev_tid = interval.prev_tid;
  std::memcpy(event.prev_comm, interval.prev_comm, sizeof(event.prev_comm));
  event.cpu_out = interval.out_cpu;
  event.cpu_in = interval.cpu;
  event.out_kind = interval.out_kind;
  event.depth = interval.depth;
  event.wake_at_mono_ns = interval.call.state == HFT_CALL_KNOWN ? interval.call.wake_at_mono_ns : 0;
  event.waker.state = interval.waker.state;
  if (event.waker.state == WakerState::kKnown) event.waker = interval.waker;
  events_->Append(event);
}

void EventRecorder::OnLife(const LifeEvent& event) {
  if (event.kind == LifeKind::kEnded) return RecordEnd(event);
  if (event.kind != LifeKind::kMigration) return;
  SwitchEvent migration;
  migration.thread = event.thread;
  migration.end_mono_ns = event.mono_ns;
  migration.cpu_out = event.from_cpu;
  migration.cpu_in = event.to_cpu;
  migration.is_migration = true;
  migration.migration_reason = event.reason;
  events_->Append(migration);
}

void EventRecorder::RecordEnd(const LifeEvent& event) {
  SwitchEvent end;
  end.thread = event.thread;
  end.end_mono_ns = event.mono_ns;
  end.is_end = true;
  events_->Append(end);
}

}  // namespace hftmon
