// LifeQueue: carries life events from the housekeeping loop to the control thread. Bounded; what does not fit is counted, and the count
// tells the control thread to have the registry resynchronised.
//
// Threads: OnLife by the housekeeping thread (no allocation, lock or system call); TryPop by the control thread; dropped_count by anyone.
#ifndef HFTMON_DAEMON_INGEST_LIFE_QUEUE_H_
#define HFTMON_DAEMON_INGEST_LIFE_QUEUE_H_

#include <cstdint>

#include "daemon/ingest/interval.h"
#include "daemon/ingest/sinks.h"
#include "daemon/ring/spsc_queue.h"

namespace hftmon {

class LifeQueue : public LifeSink {
 public:
  static constexpr uint64_t kDefaultCapacity = 16'384;  // as many as there are threads: all may end at once

  explicit LifeQueue(uint64_t capacity = kDefaultCapacity) : queue_(capacity) {}

  // Migrations are nobody's business here: they are not queued.
  void OnLife(const LifeEvent& event) override {
    if (event.kind != LifeKind::kMigration) queue_.TryPush(event);
  }

  bool TryPop(LifeEvent* event) { return queue_.TryPop(event); }
  uint64_t dropped_count() const { return queue_.dropped_count(); }
  uint64_t capacity() const { return queue_.capacity(); }

 private:
  SpscQueue<LifeEvent> queue_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_LIFE_QUEUE_H_
