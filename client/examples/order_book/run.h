// A run of the order book: composes gateway, queue, engine, book and injections, starts them, waits, and gathers what they know.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_RUN_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_RUN_H_

#include <sys/types.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "client/examples/order_book/engine.h"
#include "client/examples/order_book/marks.h"
#include "client/examples/order_book/options.h"
#include "client/examples/order_book/placement.h"
#include "client/examples/order_book/top_of_book.h"

namespace hftmon::order_book {

struct RunResult {
  Options options;
  Placement placement;
  pid_t gateway_tid = 0;  // the engine's where there is one thread
  pid_t engine_tid = 0;

  int64_t start_mono_ns = 0;
  int64_t elapsed_ns = 0;     // from the start to the last message's end
  int64_t engine_cpu_ns = 0;  // of its thread, meanwhile
  uint64_t sent_count = 0;
  uint64_t behind_count = 0;  // open loop that ends with its time: meant to be sent within the duration, and never were
  uint64_t queue_full_count = 0;
  int64_t late_max_ns = 0;  // open loop: how late the gateway itself took a message in hand, at most

  EngineTotals totals;
  // Percentiles of too few messages are absent.
  std::optional<int64_t> p50_ns, p90_ns, p99_ns, p99_9_ns, p99_99_ns;
  int64_t mean_ns = 0;
  int64_t max_ns = 0;
  uint64_t backwards_count = 0;

  TopOfBook top;
  uint32_t resting_count = 0;
  uint64_t resting_quantity = 0;
  std::string unsound;  // what is wrong with the book; empty when nothing is

  bool markers_on = false;
  std::string markers_reason;  // why there are none, though they were asked for
  uint64_t mark_count = 0;     // in the rings, one for each thread included

  double tsc_hz = 0;
  bool tsc_invariant = false;
  nlohmann::json injections = nlohmann::json::array();

  // Name and outcome of each check that a sound run passes.
  std::vector<std::pair<const char*, bool>> Checks() const;
  bool sound() const;
  double orders_per_s() const;
};

// Takes options.duration_ns, and what starting takes. An error says which thread or injection this host or user cannot have; then nothing
// ran. Not from two threads at a time: injections change the process's allocator.
absl::StatusOr<RunResult> RunOrderBook(const Options& options);

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_RUN_H_
