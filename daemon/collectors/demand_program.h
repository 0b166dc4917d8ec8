// DemandProgram: a program that is loaded with the others and attached only while somebody wants it, because all of the host pays for it.
//
// Attaching and detaching patch the kernel's text: cross-calls to every CPU. So it is attached before the first who wants it is served, and
// detached some turns of Settle() after the last one, not at every change; and neither in quiet mode: attaching is then refused, detaching
// put off. Owner: the collector. Threads: any; one mutex inside.
#ifndef HFTMON_DAEMON_COLLECTORS_DEMAND_PROGRAM_H_
#define HFTMON_DAEMON_COLLECTORS_DEMAND_PROGRAM_H_

#include <functional>
#include <mutex>

#include "absl/status/status.h"

namespace hftmon {

class DemandProgram {
 public:
  static constexpr int kPatienceTurns = 4;  // of Settle without a wish, before it is detached

  // How it is attached and detached: they ask the QuietGate.
  using Change = std::function<absl::Status()>;
  DemandProgram(Change attach, Change detach) : attach_(std::move(attach)), detach_(std::move(detach)) {}

  // From here on it is wanted, and when this returns OK it runs. FAILED_PRECONDITION with the reason QUIET: see QuietGate.
  absl::Status Attach();
  void Want(bool wanted);
  // What the wishes ask for, as far as quiet mode lets it; at regular times, by one thread.
  void Settle();

  bool attached() const;

 private:
  absl::Status AttachLocked();

  const Change attach_;
  const Change detach_;
  mutable std::mutex mutex_;
  bool wanted_ = false;
  bool attached_ = false;
  int unwanted_turns_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_COLLECTORS_DEMAND_PROGRAM_H_
