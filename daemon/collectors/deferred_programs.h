// DeferredPrograms: the programs of work that interrupts put off (daemon/bpf/deferred.bpf.h), attached on demand as one.
//
// Programs stand for parts of what is told: where a kernel lacks the tracepoint of one, its whole part is left out, and missing() says
// which and why. Quiet mode is asked for once for all of them, so that they are attached, or not, together. What began before they were
// attached is forgotten then. Owner: the collector, which outlives it. Threads: LeaveOut before the load; demand().Settle() by one thread;
// the rest any, one mutex inside.
#ifndef HFTMON_DAEMON_COLLECTORS_DEFERRED_PROGRAMS_H_
#define HFTMON_DAEMON_COLLECTORS_DEFERRED_PROGRAMS_H_

#include <linux/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/bpf/deferred_events.h"
#include "daemon/collectors/demand_program.h"

namespace hftmon {

class DeferredPrograms {
 public:
  // What is attached, as long as it lives.
  using Attachment = std::shared_ptr<void>;

  struct Parts {
    std::function<absl::Status(const std::string& what)> admit;  // quiet mode's word
    std::function<absl::StatusOr<Attachment>(const std::string& program)> attach;
    std::function<void()> begin;  // before they are attached: nothing that began until now is believed
  };
  explicit DeferredPrograms(Parts parts);

  static std::span<const std::string_view> Names();
  // This kernel cannot have that one: the other programs of its part are useless too, and IsLeftOut says so of them.
  void LeaveOut(std::string_view program, const std::string& reason);
  bool IsLeftOut(std::string_view program) const;
  // Which parts of what is told there are not, each with its reason: "tasklets: this kernel has no tracepoint tasklet_entry".
  const std::vector<std::string>& missing() const { return missing_; }
  // Why none can be had; empty: some can.
  std::string refusal() const;

  DemandProgram& demand() { return demand_; }
  bool attached() const { return demand_.attached(); }

  static bool IsOne(std::string_view program);
  // Of the program of that name, summed over CPUs; 0 when it is none of these.
  static uint64_t RunCount(std::string_view program, std::span<const hft_cpu_deferred> cpus);

 private:
  absl::Status Attach();
  absl::Status Detach();
  void DropAll();

  const Parts parts_;
  std::vector<std::string_view> missing_parts_;
  std::vector<std::string> missing_;
  std::mutex mutex_;
  std::vector<Attachment> attachments_;
  DemandProgram demand_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_COLLECTORS_DEFERRED_PROGRAMS_H_
