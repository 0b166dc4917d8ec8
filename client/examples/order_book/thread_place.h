// Where and how a thread runs: its name, CPU and scheduling class. Calls act on the calling thread.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_THREAD_PLACE_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_THREAD_PLACE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace hftmon::order_book {

struct ThreadPlace {
  std::string name;  // at most 15 characters are shown
  int cpu = -1;      // -1: wherever the process may run
  int priority = 0;  // of SCHED_FIFO, 1 … 99; 0: as inherited
};

// CPUs that the calling thread may run on, ascending.
std::vector<int> AllowedCpus();

// FAILED_PRECONDITION when the CPU is not there for this process, PERMISSION_DENIED when real-time priority is refused.
absl::Status TakePlace(const ThreadPlace& place);

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_THREAD_PLACE_H_
