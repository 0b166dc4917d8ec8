// EvidenceTurn: takes a snapshot of the sums each second, on a poll thread of its own: reading a thousand processes' sums takes
// milliseconds, for which nobody else waits.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_EVIDENCE_TURN_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_EVIDENCE_TURN_H_

#include <cstdint>

#include "daemon/service/evidence/service_evidence.h"
#include "daemon/service/poll_thread.h"

namespace hftmon {

class EvidenceTurn : private Pollee {
 public:
  static constexpr int64_t kIntervalNs = 1'000'000'000;

  // `evidence` outlives it. The thread has the affinity of the caller.
  explicit EvidenceTurn(ServiceEvidence* evidence) : evidence_(evidence), thread_(1) { thread_.Add(this); }
  ~EvidenceTurn() override { thread_.Remove(this); }

 private:
  int64_t Poll(int64_t now_ns) override {
    evidence_->TakeSnapshot();
    return now_ns + kIntervalNs;
  }

  ServiceEvidence* const evidence_;
  PollThread thread_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_EVIDENCE_TURN_H_
