// QueryGauge: how many queries are in flight, and the refusal of one too many. Every method by any thread.
#ifndef HFTMON_DAEMON_SERVICE_QUERY_GAUGE_H_
#define HFTMON_DAEMON_SERVICE_QUERY_GAUGE_H_

#include <atomic>
#include <cassert>
#include <cstdint>

namespace hftmon {

class QueryGauge {
 public:
  // False when `limit` are in flight already; else the query is one until Leave.
  bool Enter(int64_t limit) {
    // Relaxed: a count, nothing is published with it.
    if (count_.fetch_add(1, std::memory_order_relaxed) < limit) return true;
    Leave();
    return false;
  }
  // Release: pairs with the end of the gauge, which may not come before the last query has left.
  void Leave() { count_.fetch_sub(1, std::memory_order_release); }
  ~QueryGauge() {
    [[maybe_unused]] const int64_t left = count_.load(std::memory_order_acquire);
    assert(left == 0);
  }
  int64_t count() const { return count_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> count_{0};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_QUERY_GAUGE_H_
