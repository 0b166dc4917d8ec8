// Fakes of what is read of work that interrupts put off, and of devices' interrupts. Any thread, once they are set.
#ifndef HFTMON_TESTS_DAEMON_SERVICE_FAKE_DEFERRED_H_
#define HFTMON_TESTS_DAEMON_SERVICE_FAKE_DEFERRED_H_

#include <atomic>

#include "daemon/service/coalescing_source.h"
#include "daemon/service/deferred_totals.h"

namespace hftmon {

class FakeDeferredTotals : public DeferredTotals {
 public:
  void LearnNames() const override { ++learned_count; }
  DeferredTotal Read() const override { return total; }

  DeferredTotal total;  // set before the server asks
  mutable std::atomic<int> learned_count{0};
};

class FakeCoalescingSource : public CoalescingSource {
 public:
  CoalescingReport Read() const override {
    ++read_count;
    return report;
  }

  CoalescingReport report;  // set before the server asks
  mutable std::atomic<int> read_count{0};
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_SERVICE_FAKE_DEFERRED_H_
