// FalseSharingInjection: two counters in one cache line, one of the engine's, one of another thread's on another CPU. For the injection's
// length both count as fast as they can, and each addition waits for the line. The log has the engine's stretches; the detail what an
// addition cost with the other thread and, measured before the run, without.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_FALSE_SHARING_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_FALSE_SHARING_H_

#include <atomic>
#include <cstdint>

#include "client/examples/order_book/injection.h"
#include "client/examples/order_book/injections/shared_window.h"
#include "client/examples/order_book/scheduled_thread.h"

namespace hftmon::order_book {

class FalseSharingInjection final : public Injection {
 public:
  using Injection::Injection;

  // FAILED_PRECONDITION when there is no CPU besides the engine's.
  absl::Status Prepare() override;
  void Begin(int64_t start_mono_ns) override { other_.Begin(start_mono_ns); }
  void Look(uint64_t) override { Share(); }
  void LookIdle() override { Share(); }
  void Finish() override { other_.End(); }
  bool exhausted() const override { return other_.exhausted(); }
  uint64_t missed_count() const override { return other_.missed_count(); }
  nlohmann::json Detail(const LinearConversion& clock) const override;

 private:
  struct alignas(64) Line {
    std::atomic<uint64_t> engine{0};
    std::atomic<uint64_t> other{0};
  };

  void Share();
  void CountBeside(uint32_t number);

  Line line_;
  SharedWindow window_;
  ScheduledThread other_;
  double alone_ns_ = 0;        // of an addition, without the other thread
  uint64_t window_count_ = 0;  // the other thread's
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_FALSE_SHARING_H_
