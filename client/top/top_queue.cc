#include "client/top/top_queue.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

namespace hftmon {
namespace {

template <typename Kind>
void TakeInto(std::vector<TopUpdate>& updates, std::optional<Kind>& kept) {
  if (kept.has_value()) updates.emplace_back(*std::move(kept));
  kept.reset();
}

}  // namespace

TopQueue::TopQueue() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

TopQueue::~TopQueue() {
  if (fd_ >= 0) close(fd_);
}

void TopQueue::Push(TopUpdate update) {
  const std::lock_guard lock(mutex_);
  if (auto* connection = std::get_if<TopConnection>(&update)) connection_ = std::move(*connection);
  if (auto* status = std::get_if<v1::GetStatusResponse>(&update)) status_ = std::move(*status);
  if (auto* targets = std::get_if<v1::ListTargetsResponse>(&update)) targets_ = std::move(*targets);
  if (auto* threads = std::get_if<v1::QueryThreadsResponse>(&update)) threads_ = std::move(*threads);
  if (auto* metrics = std::get_if<TopMetrics>(&update)) PushMetrics(std::move(*metrics));
  if (auto* losses = std::get_if<TopStreamLosses>(&update)) losses_ = *losses;
  if (auto* spike = std::get_if<TopSpike>(&update)) {
    spikes_.push_back(std::move(*spike));
    if (spikes_.size() > kSpikesMax) {
      spikes_.pop_front();
      ++dropped_count_;
    }
  }
  // A counter that is full is readable all the same.
  if (eventfd_write(fd_, 1) != 0) return;
}

void TopQueue::PushMetrics(TopMetrics metrics) {
  std::optional<TopMetrics>& kept = metrics.per_thread ? thread_metrics_ : target_metrics_;
  metrics.missed_before = metrics.missed_before || kept.has_value();
  kept = std::move(metrics);
}

std::vector<TopUpdate> TopQueue::Take() {
  std::vector<TopUpdate> updates;
  const std::lock_guard lock(mutex_);
  eventfd_t count = 0;
  if (eventfd_read(fd_, &count) != 0) count = 0;  // nothing came since the last time
  TakeInto(updates, connection_);
  TakeInto(updates, status_);
  TakeInto(updates, targets_);
  TakeInto(updates, threads_);
  TakeInto(updates, target_metrics_);
  TakeInto(updates, thread_metrics_);
  TakeInto(updates, losses_);
  for (TopSpike& spike : spikes_) updates.emplace_back(std::move(spike));
  spikes_.clear();
  return updates;
}

uint64_t TopQueue::dropped_count() const {
  const std::lock_guard lock(mutex_);
  return dropped_count_;
}

}  // namespace hftmon
