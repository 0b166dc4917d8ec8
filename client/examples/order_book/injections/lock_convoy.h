// LockConvoyInjection: a thread holds a mutex for the injection's length, running, and the engine asks for it meanwhile. The log has the
// engine's waits; the holder's own times are in the detail. Where the engine is not there in that time (off its CPU, in another injection)
// a hold has no wait.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_LOCK_CONVOY_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_LOCK_CONVOY_H_

#include "client/examples/order_book/injection.h"
#include "client/examples/order_book/injections/held_mutex.h"
#include "client/examples/order_book/scheduled_thread.h"

namespace hftmon::order_book {

class LockConvoyInjection final : public Injection {
 public:
  explicit LockConvoyInjection(const InjectionPlan& plan) : Injection(plan), mutex_(plan.pi_mutex) {}

  absl::Status Prepare() override;
  void Begin(int64_t start_mono_ns) override { holder_.Begin(start_mono_ns); }
  void Look(uint64_t) override { mutex_.Ask(log_); }
  void LookIdle() override { mutex_.Ask(log_); }
  void Finish() override { holder_.End(); }
  bool exhausted() const override { return holder_.exhausted(); }
  uint64_t missed_count() const override { return holder_.missed_count(); }
  nlohmann::json Detail(const LinearConversion& clock) const override;

 private:
  HeldMutex mutex_;
  ScheduledThread holder_;
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_LOCK_CONVOY_H_
