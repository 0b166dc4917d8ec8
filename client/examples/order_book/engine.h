// Engine: takes messages from the queue, applies them to the book, and knows how long each took since it was meant to be sent. One thread;
// no allocation, lock or system call but what an injection does on purpose.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_ENGINE_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_ENGINE_H_

#include <array>
#include <cstdint>
#include <span>

#include "client/examples/order_book/gateway.h"
#include "client/examples/order_book/injection.h"
#include "client/examples/order_book/latency_recorder.h"
#include "client/examples/order_book/marks.h"
#include "client/examples/order_book/order_book.h"
#include "client/examples/order_book/order_message.h"

namespace hftmon::order_book {

// What the engine did, all told.
struct EngineTotals {
  std::array<uint64_t, kMessageKinds> messages{};  // by MessageKind
  std::array<uint64_t, kResults> results{};        // by Result
  uint64_t added_quantity = 0;
  uint64_t removed_quantity = 0;
  uint64_t traded_quantity = 0;  // each trade once
  uint64_t trade_count = 0;
  // Over all trades and outcomes in their order: the same for the same messages, whatever the timing.
  uint64_t checksum = 0;
};

class Engine {
 public:
  // `queue`, `book` and `injections` outlive the engine.
  Engine(OrderQueue* queue, OrderBook* book, std::span<Injection* const> injections, const LinearConversion& clock)
      : queue_(*queue), book_(*book), injections_(injections), latencies_(clock) {}

  // Before the first Step, by the thread that steps. `marks` outlives the engine.
  void Start(MarkThread* marks) {
    marks_ = marks;
    last_tsc_ = ReadTsc();
  }

  // Where another part of the program uses the thread between two steps: when it did last. The next message's order begins then, or at
  // the end of the message before, whichever is later.
  void TurnAt(uint64_t tsc) { turn_tsc_ = tsc; }

  // Applies the next message. False when there was none; injections that another thread's doing starts are looked for all the same.
  bool Step() {
    OrderMessage message;
    if (!queue_.TryPop(&message)) {
      for (Injection* injection : injections_) injection->LookIdle();
      turn_tsc_ = 0;
      marks_->Idle(last_sequence_);
      return false;
    }
    // Without a pause before it, the end of one message is the beginning of the next: the counter is read once for both.
    if (marks_->on()) marks_->BeginOrder(message.sequence, turn_tsc_ != 0 ? turn_tsc_ : ReadTsc());
    // The time of the message before stands for now: an injection lies within the operation that it delays.
    for (Injection* injection : injections_) injection->Look(last_tsc_);
    Apply(message);
    last_tsc_ = ReadTsc();
    if (marks_->on()) MarkEnd(message);
    latencies_.Record(message.intended_tsc, last_tsc_);
    return true;
  }

  // After the last Step.
  const EngineTotals& totals() const { return totals_; }
  const LatencyRecorder& latencies() const { return latencies_; }
  // When the latest message was done; before the first, when it started.
  uint64_t last_tsc() const { return last_tsc_; }

 private:
  static Operation OperationOf(MessageKind kind) {
    if (kind == MessageKind::kCancel) return Operation::kCancel;
    return kind == MessageKind::kModify ? Operation::kModify : Operation::kMatch;
  }

  void MarkEnd(const OrderMessage& message) {
    turn_tsc_ = last_tsc_;
    last_sequence_ = message.sequence;
    if (marks_->all()) marks_->EndPart(OperationOf(message.kind), message.sequence, last_tsc_);
    marks_->EndOrder(message.sequence, last_tsc_);
  }

  void Apply(const OrderMessage& message) {
    if (marks_->all()) marks_->BeginPart(OperationOf(message.kind), message.sequence);
    const Outcome outcome = book_.Apply(message);
    ++totals_.messages[static_cast<size_t>(message.kind)];
    ++totals_.results[static_cast<size_t>(outcome.result)];
    totals_.added_quantity += outcome.added;
    totals_.removed_quantity += outcome.removed;
    totals_.traded_quantity += outcome.traded;
    totals_.trade_count += outcome.fill_count;
    for (const Fill& fill : book_.fills()) Mix(fill.resting_id, uint64_t{fill.quantity} << 32 | fill.price);
    Mix(message.sequence, uint64_t{outcome.traded} << 32 | static_cast<uint64_t>(outcome.result));
  }

  void Mix(uint64_t first, uint64_t second) { totals_.checksum = (totals_.checksum ^ first) * 0x9E37'79B9'7F4A'7C15 + second; }

  OrderQueue& queue_;
  OrderBook& book_;
  const std::span<Injection* const> injections_;
  MarkThread* marks_ = nullptr;
  uint64_t last_tsc_ = 0;
  uint64_t turn_tsc_ = 0;  // when the thread turned to its queue; 0: to be read
  uint64_t last_sequence_ = 0;
  EngineTotals totals_;
  LatencyRecorder latencies_;
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_ENGINE_H_
