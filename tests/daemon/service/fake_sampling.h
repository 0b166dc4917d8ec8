// FakeSampling: samplings that are over when the test says so, or soon after they are cancelled.
#ifndef HFTMON_TESTS_DAEMON_SERVICE_FAKE_SAMPLING_H_
#define HFTMON_TESTS_DAEMON_SERVICE_FAKE_SAMPLING_H_

#include <atomic>
#include <memory>
#include <mutex>

#include "absl/status/statusor.h"

namespace hftmon {

// `Seam` has Begin(Plan), which gives a Run, which gives Samples.
template <typename Seam, typename Run, typename Plan, typename Samples>
class FakeSampling : public Seam {
 public:
  absl::StatusOr<std::unique_ptr<Run>> Begin(const Plan& asked) override {
    std::lock_guard lock(mutex_);
    if (!refusal.ok()) return refusal;
    plan_ = asked;
    begun_count_.fetch_add(1, std::memory_order_seq_cst);
    begun_count_.notify_all();
    return std::make_unique<FakeRun>(this);
  }

  Plan plan() const {
    std::lock_guard lock(mutex_);
    return plan_;
  }
  // Returns when so many were begun, or are over and gone.
  void AwaitBegun(int count) const { Await(begun_count_, count); }
  void AwaitEnded(int count) const { Await(ended_count_, count); }
  int cancelled_count() const { return cancelled_count_.load(std::memory_order_seq_cst); }

  // Set before the server asks.
  absl::Status refusal;
  absl::StatusOr<Samples> result = Samples{};
  std::atomic<bool> over{true};

 private:
  class FakeRun : public Run {
   public:
    explicit FakeRun(FakeSampling* owner) : owner_(owner) {}
    ~FakeRun() override {
      owner_->ended_count_.fetch_add(1, std::memory_order_seq_cst);
      owner_->ended_count_.notify_all();
    }
    void Cancel() override {
      owner_->cancelled_count_.fetch_add(1, std::memory_order_seq_cst);
      cancelled_ = true;
    }
    const absl::StatusOr<Samples>* Result() const override {
      if (owner_->over.load(std::memory_order_seq_cst)) return &owner_->result;
      // A look later, as a thread that has to close its events.
      return cancelled_ && looked_after_++ > 0 ? &cancelled_result_ : nullptr;
    }

   private:
    FakeSampling* const owner_;
    bool cancelled_ = false;
    mutable int looked_after_ = 0;
    const absl::StatusOr<Samples> cancelled_result_ = absl::CancelledError("cancelled");
  };

  static void Await(const std::atomic<int>& counter, int count) {
    for (int seen = counter.load(std::memory_order_seq_cst); seen < count; seen = counter.load(std::memory_order_seq_cst)) {
      counter.wait(seen, std::memory_order_seq_cst);
    }
  }

  mutable std::mutex mutex_;
  Plan plan_;
  std::atomic<int> begun_count_{0};
  std::atomic<int> ended_count_{0};
  std::atomic<int> cancelled_count_{0};
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_SERVICE_FAKE_SAMPLING_H_
