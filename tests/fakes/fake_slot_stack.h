// FakeSlotStack: the free slots as a checked list. A slot that is pushed twice, or that was never given out, fails the test.
// Threads: any.
#ifndef HFTMON_TESTS_FAKES_FAKE_SLOT_STACK_H_
#define HFTMON_TESTS_FAKES_FAKE_SLOT_STACK_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <mutex>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/bpf/switch_events.h"
#include "daemon/collectors/slot_stack.h"

namespace hftmon {

class FakeSlotStack : public SlotStack {
 public:
  // Slots 1 … slot_count - 1 are free.
  explicit FakeSlotStack(uint32_t slot_count) : is_free_(slot_count, true) {
    for (uint32_t slot = slot_count - 1; slot > HFT_NO_SLOT; --slot) free_.push_back(static_cast<uint16_t>(slot));
  }

  absl::StatusOr<uint16_t> Pop() override {
    std::lock_guard lock(mutex_);
    if (free_.empty()) return absl::ResourceExhaustedError("the stack of free slots is empty");
    const uint16_t slot = free_.back();
    free_.pop_back();
    is_free_[slot] = false;
    return slot;
  }

  absl::Status Push(uint16_t slot) override {
    std::lock_guard lock(mutex_);
    if (push_failures_ > 0) {
      --push_failures_;
      return absl::InternalError("push refused by the test");
    }
    if (slot == HFT_NO_SLOT || slot >= is_free_.size() || is_free_[slot]) {
      ADD_FAILURE() << "slot " << slot << " is pushed although it is free or no slot";
      return absl::InternalError("double push");
    }
    is_free_[slot] = true;
    free_.push_back(slot);
    return absl::OkStatus();
  }

  void FailPushes(int count) {
    std::lock_guard lock(mutex_);
    push_failures_ = count;
  }
  size_t size() const {
    std::lock_guard lock(mutex_);
    return free_.size();
  }
  bool IsFree(uint16_t slot) const {
    std::lock_guard lock(mutex_);
    return is_free_[slot];
  }

 private:
  mutable std::mutex mutex_;
  std::vector<uint16_t> free_;
  std::vector<bool> is_free_;
  int push_failures_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_FAKES_FAKE_SLOT_STACK_H_
