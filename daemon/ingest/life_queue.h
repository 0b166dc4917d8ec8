// LifeQueue: life events from the housekeeping thread to the control thread. What does not fit is dropped and counted; the control thread
// then compares its threads with the slots' states.
#ifndef HFTMON_DAEMON_INGEST_LIFE_QUEUE_H_
#define HFTMON_DAEMON_INGEST_LIFE_QUEUE_H_

#include "daemon/ingest/sinks.h"
#include "daemon/ring/spsc_queue.h"

namespace hftmon {

class LifeQueue : public LifeSink {
 public:
  explicit LifeQueue(uint64_t capacity) : queue_(capacity) {}

  // Housekeeping thread. Migrations change no target: they stay out.
  void OnLife(const LifeEvent& event) override {
    if (event.kind != LifeKind::kMigration) queue_.TryPush(event);
  }
  // Control thread.
  bool TryPop(LifeEvent* out) { return queue_.TryPop(out); }
  // Anyone.
  uint64_t dropped_count() const { return queue_.dropped_count(); }

 private:
  SpscQueue<LifeEvent> queue_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_LIFE_QUEUE_H_
