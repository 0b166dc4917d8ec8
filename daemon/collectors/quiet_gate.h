// QuietGate: market hours. While it is closed nothing may attach programs, create maps or reload: each of these patches kernel text, sends
// cross-calls or takes locks that a trading thread may wait for.
//
// Whoever is about to do such a thing asks Admit() first and gives its error back. BpfObject asks for every object that was opened with a
// gate; what reaches the kernel in another way asks itself. Watching a process and changing thresholds need not ask: mmaped flags only.
// Owner: the daemon, which closes it, and outlives all who ask. Threads: any.
#ifndef HFTMON_DAEMON_COLLECTORS_QUIET_GATE_H_
#define HFTMON_DAEMON_COLLECTORS_QUIET_GATE_H_

#include <atomic>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/cord.h"

namespace hftmon {

class QuietGate {
 public:
  // FAILED_PRECONDITION with the reason QUIET while it is closed. `what` begins the message, e.g. "attaching program 'on_switch'".
  absl::Status Admit(std::string_view what) const {
    if (!is_closed()) return absl::OkStatus();
    absl::Status refused = absl::FailedPreconditionError(
        std::string(what) +
        ": refused in quiet mode (market hours), because it would disturb every CPU of the host: ask again after `hftmon quiet off`");
    refused.SetPayload("hftmon/reason", absl::Cord("QUIET"));  // as daemon/service/rich_error.h reads it
    return refused;
  }

  // Relaxed: the flag publishes nothing. What was admitted before may still be under way.
  void Close(bool closed) { closed_.store(closed, std::memory_order_relaxed); }
  bool is_closed() const { return closed_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> closed_{false};
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_COLLECTORS_QUIET_GATE_H_
