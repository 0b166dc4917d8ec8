// Placement: which CPU is whose. A pure choice from the options and the CPUs that the process may use.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_PLACEMENT_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_PLACEMENT_H_

#include <span>

#include "absl/status/statusor.h"
#include "client/examples/order_book/options.h"

namespace hftmon::order_book {

struct Placement {
  int threads = 2;  // 1: gateway and engine are one thread, on the engine's CPU
  int gateway_cpu = -1;
  int engine_cpu = -1;
  // For threads of injections: one that is nobody's, else the gateway's, else the engine's.
  int helper_cpu = -1;
  int gateway_priority = 0;
  int engine_priority = 0;
};

// `allowed`: ascending, at least one. FAILED_PRECONDITION when a CPU that was named is not among them, or two threads were asked for and
// there is one. The gateway is of an ordinary class when helpers need its CPU: it never sleeps, and they could never run.
absl::StatusOr<Placement> ChoosePlacement(const Options& options, std::span<const int> allowed, bool has_helpers);

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_PLACEMENT_H_
