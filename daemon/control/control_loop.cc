#include "daemon/control/control_loop.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string_view>
#include <utility>

namespace hftmon {

ControlLoop::ControlLoop(const MonotonicClock* clock, LifeQueue* events, TargetRegistry* registry, ProcessNames* names,
                         std::vector<Job> jobs, std::function<uint64_t()> lost_records, std::function<void()> on_thread_start)
    : clock_(clock),
      events_(events),
      registry_(registry),
      names_(names),
      lost_records_(std::move(lost_records)),
      on_thread_start_(std::move(on_thread_start)) {
  const int64_t now_ns = clock_->NowNs();
  jobs_.reserve(jobs.size());
  for (Job& job : jobs) jobs_.push_back({.job = std::move(job), .due_mono_ns = now_ns});
}

ControlLoop::~ControlLoop() {
  Stop();
}

void ControlLoop::Start() {
  if (thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    stopping_ = false;
  }
  thread_ = std::thread([this] { Run(); });
}

void ControlLoop::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void ControlLoop::Run() {
  if (on_thread_start_) on_thread_start_();
  auto next = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    RunOnce();
    lock.lock();
    // A turn that took longer than the period does not make the next ones hurry.
    next = std::max(next + std::chrono::nanoseconds(period_ns_.load(std::memory_order_relaxed)), std::chrono::steady_clock::now());
    wake_.wait_until(lock, next, [this] { return stopping_; });
  }
}

void ControlLoop::RunOnce() {
  DrainEvents();
  registry_->Maintain();
  RunJobs();
  turn_count_.store(turn_count_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);  // single writer
}

void ControlLoop::DrainEvents() {
  // Read before the queue is drained: what was queued before these drops is pumped when the resync comes.
  const uint64_t drops = events_->dropped_count() + (lost_records_ ? lost_records_() : 0);
  LifeEvent event;
  for (uint64_t i = 0; i < events_->capacity() && events_->TryPop(&event); ++i) {
    names_->Remember(event.thread.tid, std::string_view(event.comm, strnlen(event.comm, sizeof(event.comm))));
    if (event.kind == LifeKind::kFork) names_->KeepNewNumbers(event.thread.tgid, event.thread.tid);
    registry_->Pump(event);
  }
  if (drops == resynced_drops_ || clock_->NowNs() < next_resync_mono_ns_) return;
  next_resync_mono_ns_ = clock_->NowNs() + kResyncIntervalNs;
  registry_->Resync();
  resynced_drops_ = drops;
}

void ControlLoop::RunJobs() {
  for (TimedJob& timed : jobs_) {
    const int64_t now_ns = clock_->NowNs();
    if (now_ns < timed.due_mono_ns) continue;
    timed.job.function();
    timed.due_mono_ns += timed.job.interval_ns;
    if (timed.due_mono_ns <= now_ns) timed.due_mono_ns = now_ns + timed.job.interval_ns;
  }
}

}  // namespace hftmon
