// PreemptorInjection: a thread of higher real-time priority takes the engine's CPU for the injection's length. The log is the preemptor's
// own: from when it ran to when it let go.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_PREEMPTOR_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_PREEMPTOR_H_

#include "client/examples/order_book/injection.h"
#include "client/examples/order_book/scheduled_thread.h"

namespace hftmon::order_book {

class PreemptorInjection final : public Injection {
 public:
  using Injection::Injection;

  absl::Status Prepare() override;
  void Begin(int64_t start_mono_ns) override { thread_.Begin(start_mono_ns); }
  void Look(uint64_t) override {}
  void Finish() override { thread_.End(); }
  bool exhausted() const override { return thread_.exhausted(); }
  uint64_t missed_count() const override { return thread_.missed_count(); }
  nlohmann::json Detail(const LinearConversion&) const override { return {{"tid", thread_.tid()}, {"cpu", plan_.engine_cpu}}; }

 private:
  void Act();

  ScheduledThread thread_;
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_PREEMPTOR_H_
