// Gateway: makes the flow's messages and hands them to the engine's queue, one thread.
//
// Without a rate (closed loop) it means to send a message as soon as it is done with the one before: a stall of the engine then delays as
// many as the queue holds and the one in hand, no more. With a rate (open loop) message n is meant to be sent n / rate after the start,
// whatever happened before; one that is late is sent at once and its latency counts from when it was meant to be sent, so no stall hides
// the messages that it kept waiting. Nothing is ever dropped: a message that finds the queue full waits for its turn.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_GATEWAY_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_GATEWAY_H_

#include <algorithm>
#include <cstdint>

#include "client/examples/order_book/marks.h"
#include "client/examples/order_book/order_flow.h"
#include "client/examples/order_book/order_message.h"
#include "client/examples/order_book/spsc_queue.h"
#include "client/examples/order_book/time_stamp_counter.h"

namespace hftmon::order_book {

using OrderQueue = SpscQueue<OrderMessage>;

class Gateway {
 public:
  struct Plan {
    uint64_t seed = 1;
    double ticks_per_message = 0;  // of the cycle counter; 0: closed loop
    uint64_t messages_max = 0;     // 0: no bound but the time
  };

  // `queue` outlives the gateway.
  Gateway(const Plan& plan, OrderQueue* queue)
      : step_(static_cast<uint64_t>(plan.ticks_per_message * kFraction)),
        messages_max_(plan.messages_max),
        flow_(plan.seed),
        queue_(*queue) {}

  // Before the first Step, by the thread that steps. Nothing is taken in hand from `end_tsc` on. `marks` outlives the gateway.
  void Start(uint64_t start_tsc, uint64_t end_tsc, MarkThread* marks) {
    start_tsc_ = start_tsc;
    end_tsc_ = end_tsc;
    marks_ = marks;
  }

  // Sends a message if it is time and there is room. False when the flow has ended. Never waits.
  bool Step() {
    const uint64_t now = ReadTsc();
    step_tsc_ = now;
    // What is in hand was begun in time; the engine makes room for it.
    if (!in_hand_ && now >= end_tsc_) return false;
    if (!in_hand_ && !TakeInHand(now)) return messages_max_ == 0 || sent_count_ < messages_max_;
    if (!queue_.TryPush(message_)) {
      if (!blocked_) ++full_count_;
      blocked_ = true;
      SpinPause();
      return true;
    }
    blocked_ = false;
    in_hand_ = false;
    ++sent_count_;
    marks_->Sent(message_.sequence, now);
    return true;
  }

  // Takes nothing more in hand: Step is false once what is in hand was sent.
  void Stop() { end_tsc_ = 0; }

  // When the latest Step began.
  uint64_t step_tsc() const { return step_tsc_; }
  uint64_t sent_count() const { return sent_count_; }
  // Messages that found the queue full.
  uint64_t full_count() const { return full_count_; }
  // In cycles: how late the latest message was taken in hand, of an open loop.
  uint64_t late_max_ticks() const { return late_max_ticks_; }

 private:
  // The gap between two messages is kept in 1/65,536 of a cycle; 2^48 cycles are a day.
  static constexpr double kFraction = 65'536;
  static constexpr int kFractionBits = 16;

  // False when it is not yet time for the next message, or there is none.
  bool TakeInHand(uint64_t now) {
    if (messages_max_ != 0 && sent_count_ >= messages_max_) return false;
    uint64_t intended = now;
    if (step_ != 0) {
      intended = start_tsc_ + (due_ >> kFractionBits);
      if (static_cast<int64_t>(now - intended) < 0) {
        SpinPause();
        return false;
      }
      due_ += step_;
      late_max_ticks_ = std::max(late_max_ticks_, now - intended);
    }
    flow_.Next(&message_);
    message_.intended_tsc = intended;
    in_hand_ = true;
    return true;
  }

  const uint64_t step_;
  const uint64_t messages_max_;
  OrderFlow flow_;
  OrderQueue& queue_;
  MarkThread* marks_ = nullptr;
  uint64_t step_tsc_ = 0;
  uint64_t start_tsc_ = 0;
  uint64_t end_tsc_ = 0;
  uint64_t due_ = 0;  // of the next message, since the start, in fractions of a cycle
  OrderMessage message_;
  bool in_hand_ = false;
  bool blocked_ = false;
  uint64_t sent_count_ = 0;
  uint64_t full_count_ = 0;
  uint64_t late_max_ticks_ = 0;
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_GATEWAY_H_
