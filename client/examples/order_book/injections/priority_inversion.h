// PriorityInversionInjection: the classic of three real-time threads. A low one takes a mutex and wakes a medium one on its own CPU, which
// runs for the injection's length; the engine, the high one, asks for the mutex meanwhile. With a plain mutex the engine waits for the
// medium thread as well; with one that inherits priority the low thread runs before the medium one, and the engine waits for the low one's
// own work alone, a tenth of the length.
//
// The log has the engine's waits; the holds of the low and the runs of the medium thread are in the detail.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_PRIORITY_INVERSION_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_PRIORITY_INVERSION_H_

#include <semaphore.h>

#include <atomic>

#include "client/examples/order_book/injection.h"
#include "client/examples/order_book/injections/held_mutex.h"
#include "client/examples/order_book/placed_thread.h"
#include "client/examples/order_book/scheduled_thread.h"

namespace hftmon::order_book {

class PriorityInversionInjection final : public Injection {
 public:
  static constexpr int kLowPriority = 1;
  static constexpr int kMediumPriority = 2;

  explicit PriorityInversionInjection(const InjectionPlan& plan);
  ~PriorityInversionInjection() override;

  // FAILED_PRECONDITION also when the engine's priority is not above the medium one, or no other CPU is there.
  absl::Status Prepare() override;
  void Begin(int64_t start_mono_ns) override { low_.Begin(start_mono_ns); }
  void Look(uint64_t) override { mutex_.Ask(log_); }
  void LookIdle() override { mutex_.Ask(log_); }
  void Finish() override;
  bool exhausted() const override { return low_.exhausted(); }
  uint64_t missed_count() const override { return low_.missed_count(); }
  nlohmann::json Detail(const LinearConversion& clock) const override;

 private:
  void BeMedium();

  HeldMutex mutex_;
  sem_t wake_medium_;
  std::atomic<bool> medium_ends_{false};
  InjectionLog medium_runs_;
  PlacedThread medium_;
  ScheduledThread low_;
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_PRIORITY_INVERSION_H_
