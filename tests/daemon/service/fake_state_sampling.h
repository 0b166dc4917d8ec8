// FakeStateSampling: a sampling that is over when the test says so.
#ifndef HFTMON_TESTS_DAEMON_SERVICE_FAKE_STATE_SAMPLING_H_
#define HFTMON_TESTS_DAEMON_SERVICE_FAKE_STATE_SAMPLING_H_

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "daemon/service/state_sampling.h"

namespace hftmon {

class FakeStateSampling : public StateSampling {
 public:
  absl::Status Begin(const StateSamplingPlan& asked) override {
    std::lock_guard lock(mutex_);
    if (!refusal.ok()) return refusal;
    if (busy_) return absl::ResourceExhaustedError("somebody samples already");
    busy_ = true;
    plan_ = asked;
    begun_count_.fetch_add(1, std::memory_order_seq_cst);
    begun_count_.notify_all();
    return absl::OkStatus();
  }
  const StateSamples* Result() const override { return over.load(std::memory_order_seq_cst) ? &samples : nullptr; }
  void End() override {
    std::lock_guard lock(mutex_);
    busy_ = false;
    ended_count_.fetch_add(1, std::memory_order_seq_cst);
    ended_count_.notify_all();
  }
  std::vector<UnsampledState> Unsampled(const StateSamples&) const override { return {{"run_queue_depth", "it is not mapped"}}; }

  StateSamplingPlan plan() const {
    std::lock_guard lock(mutex_);
    return plan_;
  }
  // A call has begun its sampling, or given it up: returns when it was so often.
  void AwaitBegun(int count) const { Await(begun_count_, count); }
  void AwaitEnded(int count) const { Await(ended_count_, count); }

  // Set before the server asks.
  absl::Status refusal;
  StateSamples samples{};
  std::atomic<bool> over{true};

 private:
  static void Await(const std::atomic<int>& counter, int count) {
    for (int seen = counter.load(std::memory_order_seq_cst); seen < count; seen = counter.load(std::memory_order_seq_cst)) {
      counter.wait(seen, std::memory_order_seq_cst);
    }
  }

  mutable std::mutex mutex_;
  bool busy_ = false;
  StateSamplingPlan plan_;
  std::atomic<int> begun_count_{0};
  std::atomic<int> ended_count_{0};
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_SERVICE_FAKE_STATE_SAMPLING_H_
