#include "daemon/stacks/stack_collector.h"

#include <chrono>
#include <cstring>
#include <string_view>

#include "absl/hash/hash.h"

namespace hftmon {
namespace {

// What a stack is made of: everything but when it was taken and what that cost.
struct Content {
  uint32_t tid;
  uint64_t start_ns;
  uint8_t kernel_problem;
  uint8_t user_problem;
  std::string_view kernel;
  std::string_view registers;
  std::string_view user;

  bool operator==(const Content&) const = default;
  template <typename H>
  friend H AbslHashValue(H state, const Content& content) {
    return H::combine(std::move(state), content.tid, content.start_ns, content.kernel_problem, content.user_problem, content.kernel,
                      content.registers, content.user);
  }
};

template <typename T>
std::string_view Bytes(const T* data, size_t count) {
  return {reinterpret_cast<const char*>(data), count * sizeof(T)};
}

Content ContentOf(const hft_stack& record) {
  const bool user = record.user_problem == HFT_STACK_FINE;
  return {.tid = record.tid,
          .start_ns = record.start_ns,
          .kernel_problem = record.kernel_problem,
          .user_problem = record.user_problem,
          .kernel = Bytes(record.kernel, std::min<size_t>(record.kernel_depth, HFT_STACK_KERNEL_FRAMES)),
          .registers = Bytes(record.registers, user ? HFT_STACK_REGISTERS : 0),
          .user = Bytes(record.user, user ? std::min<size_t>(record.user_bytes, HFT_STACK_COPY_BYTES) : 0)};
}

bool Lacks(const Stack& stack) {
  return stack.kernel.state == StackState::kUnavailable || stack.user.state == StackState::kUnavailable;
}

}  // namespace

StackCollector::StackCollector(const hft_stack_ring* ring, StackUnwinder* unwinder, const MonotonicClock* clock)
    : clock_(clock), unwinder_(unwinder), reader_(ring) {}

void StackCollector::Start() {
  thread_ = std::thread([this] { Run(); });
}

void StackCollector::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void StackCollector::Enable(bool wanted) {
  {
    std::lock_guard lock(mutex_);
    wanted_ = wanted;
  }
  changed_.notify_all();
}

void StackCollector::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (wanted_) {
      changed_.wait_for(lock, std::chrono::nanoseconds(kPollNs), [this] { return stopping_; });
    } else {
      changed_.wait(lock, [this] { return stopping_ || wanted_; });
    }
    if (stopping_) return;
    lock.unlock();
    Drain();
    lock.lock();
  }
}

void StackCollector::FillQueue() {
  hft_stack record;
  uint64_t dropped = 0;
  while (reader_.Read(&record)) {
    if (queue_.size() < kQueueMax) {
      queue_.push_back(record);
    } else {
      ++dropped;
    }
  }
  if (dropped == 0) return;
  std::lock_guard lock(mutex_);
  counters_.lost_count += dropped;
}

void StackCollector::Drain() {
  FillQueue();
  while (!queue_.empty()) {
    {
      std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    Keep(queue_.front(), MakeStack(queue_.front()));
    queue_.pop_front();
    FillQueue();
  }
}

std::shared_ptr<const Stack> StackCollector::MakeStack(const hft_stack& record) {
  const uint64_t hash = absl::HashOf(ContentOf(record));
  const auto found = cache_.find(hash);
  const bool known = found != cache_.end() && ContentOf(found->second.record) == ContentOf(record) &&
                     clock_->NowNs() - found->second.made_mono_ns < kCacheAgeNs;
  if (!known) return Remember(record, hash);
  auto stack = std::make_shared<Stack>(*found->second.stack);
  stack->record_ns = record.record_ns;
  stack->copy_ns = record.copy_ns;
  stack->unwind_ns = 0;
  std::lock_guard lock(mutex_);
  ++counters_.cache_hit_count;
  return stack;
}

std::shared_ptr<const Stack> StackCollector::Remember(const hft_stack& record, uint64_t hash) {
  const int64_t begin_ns = clock_->NowNs();
  auto stack = std::make_shared<Stack>(unwinder_->Unwind(record));
  const int64_t end_ns = clock_->NowNs();
  stack->record_ns = record.record_ns;
  stack->copy_ns = record.copy_ns;
  stack->unwind_ns = end_ns - begin_ns;
  const bool lacks = Lacks(*stack);
  uint64_t evicted = 0;
  if (!lacks) {
    if (cache_.insert_or_assign(hash, Remembered{record, stack, end_ns}).second) cache_order_.push_back(hash);
    while (cache_.size() > kCacheMax) {
      const auto oldest = cache_.find(cache_order_.front());
      if (end_ns - oldest->second.made_mono_ns < kCacheAgeNs) ++evicted;
      cache_.erase(oldest);
      cache_order_.pop_front();
    }
  }
  std::lock_guard lock(mutex_);
  counters_.unwind_sum_ns += stack->unwind_ns;
  counters_.unavailable_count += lacks ? 1 : 0;
  counters_.evicted_count += evicted;
  counters_.cache_size = static_cast<int64_t>(cache_.size());
  return stack;
}

void StackCollector::Keep(const hft_stack& record, std::shared_ptr<const Stack> stack) {
  const std::pair<uint32_t, int64_t> key(record.tid, static_cast<int64_t>(record.mono_ns));
  std::lock_guard lock(mutex_);
  ++counters_.stack_count;
  if (kept_.insert_or_assign(key, std::move(stack)).second) kept_order_.push_back(key);
  while (kept_.size() > kKeptMax) {
    kept_.erase(kept_order_.front());
    kept_order_.pop_front();
  }
}

std::shared_ptr<const Stack> StackCollector::Find(uint32_t tid, int64_t end_mono_ns) const {
  std::lock_guard lock(mutex_);
  const auto found = kept_.find({tid, end_mono_ns});
  return found == kept_.end() ? nullptr : found->second;
}

StackCollector::Counters StackCollector::counters() const {
  std::lock_guard lock(mutex_);
  Counters counters = counters_;
  counters.lost_count += reader_.lost_count();
  counters.kept_size = static_cast<int64_t>(kept_.size());
  return counters;
}

}  // namespace hftmon
