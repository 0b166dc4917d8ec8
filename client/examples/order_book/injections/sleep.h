// SleepInjection: the engine calls nanosleep in the middle of its work, once per injection, for the injection's length.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_SLEEP_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_SLEEP_H_

#include <ctime>

#include "client/examples/order_book/injections/own_injection.h"

namespace hftmon::order_book {

class SleepInjection final : public OwnInjection {
 public:
  using OwnInjection::OwnInjection;
  absl::Status Prepare() override { return absl::OkStatus(); }

 protected:
  void Disturb(uint64_t) override {
    const timespec length{plan_.length_ns / 1'000'000'000, plan_.length_ns % 1'000'000'000};
    nanosleep(&length, nullptr);
  }
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_SLEEP_H_
