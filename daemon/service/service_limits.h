// ServiceLimits: what clients may take, and how much of it they took. The configuration sets the values (daemon/config_settings.cc is the
// one table of their ranges and meanings); a refusal names the setting.
//
// ServiceLimits is passive. LimitBook holds those in force and the most that a single call used: every method by any thread.
#ifndef HFTMON_DAEMON_SERVICE_SERVICE_LIMITS_H_
#define HFTMON_DAEMON_SERVICE_SERVICE_LIMITS_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "daemon/control/status_source.h"

namespace hftmon {

// Each member is the setting of its name; units last, counts have none.
struct ServiceLimits {
  int64_t spike_streams_max = 2'048;
  int64_t metric_streams_max = 2'048;
  int64_t sessions_max = 256;
  int64_t rules_max = 256;
  int64_t target_holders_max = 64;
  int64_t queries_max = 256;
  int64_t stream_queue_max = 4'096;
  int64_t window_max_ns = 7LL * 24 * 3600 * 1'000'000'000;
  int64_t answer_rows_max = 100'000;
  int64_t answer_bytes_max = 64LL << 20;
  // In force from the server's start.
  int64_t request_bytes_max = 1LL << 20;
  int64_t calls_per_connection_max = 4'096;
  int64_t transport_bytes_max = 256LL << 20;

  bool operator==(const ServiceLimits&) const = default;
};

class LimitBook {
 public:
  explicit LimitBook(const ServiceLimits& limits) : limits_(limits) {}

  ServiceLimits Get() const {
    std::lock_guard lock(mutex_);
    return limits_;
  }
  // Calls under way keep what they were granted. Those of the server's start are kept as they are.
  void Set(ServiceLimits limits) {
    std::lock_guard lock(mutex_);
    limits.request_bytes_max = limits_.request_bytes_max;
    limits.calls_per_connection_max = limits_.calls_per_connection_max;
    limits.transport_bytes_max = limits_.transport_bytes_max;
    limits_ = limits;
  }

  // A call asked for a window, or queue, this long, or got an answer this large: its bound was not exceeded.
  void NoteWindow(int64_t window_ns) { Raise(&window_ns_, window_ns); }
  void NoteQueue(int64_t queue) { Raise(&queue_, queue); }
  void NoteAnswer(int64_t rows, int64_t bytes) {
    Raise(&rows_, rows);
    Raise(&bytes_, bytes);
  }

  // Of limits on one call, `used` is the most that a call used since start.
  std::vector<Bound> PerCallBounds() const {
    const ServiceLimits limits = Get();
    return {{"stream_queue", Load(queue_), limits.stream_queue_max},
            {"window_ns", Load(window_ns_), limits.window_max_ns},
            {"answer_rows", Load(rows_), limits.answer_rows_max},
            {"answer_bytes", Load(bytes_), limits.answer_bytes_max}};
  }

 private:
  // Relaxed: figures for status, nothing is published with them.
  static int64_t Load(const std::atomic<int64_t>& value) { return value.load(std::memory_order_relaxed); }
  static void Raise(std::atomic<int64_t>* peak, int64_t value) {
    int64_t seen = Load(*peak);
    while (seen < value && !peak->compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
    }
  }

  mutable std::mutex mutex_;
  ServiceLimits limits_;
  std::atomic<int64_t> queue_{0};
  std::atomic<int64_t> window_ns_{0};
  std::atomic<int64_t> rows_{0};
  std::atomic<int64_t> bytes_{0};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_SERVICE_LIMITS_H_
