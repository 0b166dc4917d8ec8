// Options: what the command line asks for. Passive data; parsing has no effect on anything.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_OPTIONS_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/examples/order_book/marks.h"

namespace hftmon::order_book {

struct Options {
  int64_t duration_ns = 5'000'000'000;  // 1 ms … 1 h
  uint64_t seed = 1;
  uint64_t rate_per_s = 0;      // messages offered; 0: closed loop
  uint64_t orders_max = 0;      // messages; 0: no bound but the time
  uint32_t queue_capacity = 0;  // 0: 32 in a closed loop, 1,024 in an open one
  std::vector<int> cpus;        // gateway's, engine's; empty: chosen
  int threads = 0;              // 1 or 2; 0: 2 where two CPUs are to be had
  int priority = 0;             // of SCHED_FIFO; 0: as inherited
  MarkLevel markers = MarkLevel::kOrder;
  std::string marker_directory;  // no option; empty: where the daemon looks
  bool json = false;
  bool quiet = false;
  std::vector<std::string> inject;  // names of kinds, each once
  int64_t inject_every_ns = 100'000'000;
  int64_t inject_length_ns = 1'000'000;
  uint64_t inject_count = 0;    // of each kind that happen, at most; 0: no bound but the time
  bool until_injected = false;  // ends when each kind has happened inject_count times, if that is before the duration's end
  bool pi_mutex = false;
};

struct ParsedOptions {
  Options options;
  std::string help;  // not empty: print it and do nothing else
};

// `words`: without the program's name. INVALID_ARGUMENT names the option, what is wrong with it and what it takes.
absl::StatusOr<ParsedOptions> ParseOptions(std::vector<std::string> words);

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_OPTIONS_H_
