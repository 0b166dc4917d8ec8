// BoostHistory: the newest changes of watched threads' priorities by inheritance.
//
// Threads: OnBoost by the housekeeping thread (no allocation, lock or system call); steps() by any. Bound: `capacity` steps, rounded up to
// a power of two; a new one overwrites the oldest.
#ifndef HFTMON_DAEMON_STORE_BOOST_HISTORY_H_
#define HFTMON_DAEMON_STORE_BOOST_HISTORY_H_

#include <cstdint>

#include "daemon/ingest/sinks.h"
#include "daemon/store/seq_ring.h"

namespace hftmon {

class BoostHistory : public BoostSink {
 public:
  static constexpr uint64_t kCapacityDefault = 4096;
  explicit BoostHistory(uint64_t capacity = kCapacityDefault) : steps_(capacity) {}

  void OnBoost(const BoostStep& step) override { steps_.Append(step); }

  const SeqRing<BoostStep>& steps() const { return steps_; }

 private:
  SeqRing<BoostStep> steps_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STORE_BOOST_HISTORY_H_
