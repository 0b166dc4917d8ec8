#include "client/examples/order_book/injections/priority_inversion.h"

#include <fmt/format.h>

#include "client/examples/order_book/injection_json.h"
#include "client/examples/order_book/time_stamp_counter.h"

namespace hftmon::order_book {
namespace {

void SpinFor(int64_t length_ns) {
  const int64_t end_ns = MonotonicNs() + length_ns;
  while (MonotonicNs() < end_ns) SpinPause();
}

}  // namespace

PriorityInversionInjection::PriorityInversionInjection(const InjectionPlan& plan) : Injection(plan), mutex_(plan.pi_mutex) {
  sem_init(&wake_medium_, 0, 0);
}

PriorityInversionInjection::~PriorityInversionInjection() {
  Finish();
  sem_destroy(&wake_medium_);
}

absl::Status PriorityInversionInjection::Prepare() {
  if (plan_.engine_priority <= kMediumPriority) {
    return absl::FailedPreconditionError(
        fmt::format("priority_inversion: the engine's priority is {}, not above the medium thread's {}: give --priority {} or more",
                    plan_.engine_priority, kMediumPriority, kMediumPriority + 1));
  }
  if (plan_.helper_cpu == plan_.engine_cpu) {
    return absl::FailedPreconditionError(
        "priority_inversion: the low and the medium thread need a CPU besides the engine's: widen the mask with taskset");
  }
  if (absl::Status status = medium_.Start({"ob_medium", plan_.helper_cpu, kMediumPriority}, [this] { BeMedium(); }); !status.ok()) {
    return status;
  }
  return low_.Start({"ob_low", plan_.helper_cpu, kLowPriority}, plan_.schedule, [this](uint32_t number) {
    mutex_.Hold(number, [this] {
      sem_post(&wake_medium_);  // its priority is higher: it runs at once, unless the engine has lent its own to this thread by then
      SpinFor(plan_.length_ns / 10);
    });
  });
}

void PriorityInversionInjection::BeMedium() {
  while (true) {
    while (sem_wait(&wake_medium_) != 0) {
    }
    if (medium_ends_.load(std::memory_order_acquire)) return;  // pairs with Finish's release
    const uint64_t start_tsc = ReadTsc();
    SpinFor(plan_.length_ns);
    medium_runs_.Add(start_tsc, ReadTsc());
  }
}

void PriorityInversionInjection::Finish() {
  low_.End();
  medium_ends_.store(true, std::memory_order_release);  // pairs with BeMedium's acquire
  sem_post(&wake_medium_);
  medium_.Join();
}

nlohmann::json PriorityInversionInjection::Detail(const LinearConversion& clock) const {
  return {{"low_tid", low_.tid()},
          {"medium_tid", medium_.tid()},
          {"low_priority", kLowPriority},
          {"medium_priority", kMediumPriority},
          {"cpu", plan_.helper_cpu},
          {"mutex_address", mutex_.address()},
          {"pi_mutex", plan_.pi_mutex},
          {"holds", LogJson(mutex_.holds(), clock)},
          {"medium_runs", LogJson(medium_runs_, clock)}};
}

}  // namespace hftmon::order_book
