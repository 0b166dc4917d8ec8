// A fake of CounterTotals: tells what a test put into it. Its fields are set before the server asks; ReadNow notes who was asked for, by
// one call at a time.
#ifndef HFTMON_TESTS_DAEMON_SERVICE_FAKE_COUNTER_TOTALS_H_
#define HFTMON_TESTS_DAEMON_SERVICE_FAKE_COUNTER_TOTALS_H_

#include <algorithm>
#include <iterator>
#include <vector>

#include "daemon/service/counter_totals.h"

namespace hftmon {

class FakeCounterTotals : public CounterTotals {
 public:
  State state() const override { return now_state; }
  std::vector<ThreadCounterTotal> ThreadsOf(uint32_t tgid) const override {
    std::vector<ThreadCounterTotal> found;
    std::copy_if(threads.begin(), threads.end(), std::back_inserter(found),
                 [tgid](const ThreadCounterTotal& total) { return total.thread.tgid == tgid; });
    return found;
  }
  absl::StatusOr<Now> ReadNow(uint32_t tgid) override {
    read_now_of.push_back(tgid);
    return now;
  }

  State now_state;
  std::vector<ThreadCounterTotal> threads;
  absl::StatusOr<Now> now = absl::FailedPreconditionError("nothing is counted");
  std::vector<uint32_t> read_now_of;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_SERVICE_FAKE_COUNTER_TOTALS_H_
