// TracepointGroup: programs at tracepoints that are attached on demand, together or not at all.
//
// Quiet mode is asked once for all of them. Owner: the collector, which outlives it. Threads: Refuse before it is wanted; the rest any, one
// mutex inside (DemandProgram's).
#ifndef HFTMON_DAEMON_COLLECTORS_TRACEPOINT_GROUP_H_
#define HFTMON_DAEMON_COLLECTORS_TRACEPOINT_GROUP_H_

#include <linux/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/bpf/switch_events.h"
#include "daemon/collectors/demand_program.h"

namespace hftmon {

class TracepointGroup {
 public:
  // What is attached, as long as it lives.
  using Attachment = std::shared_ptr<void>;

  struct Program {
    std::string_view name;
    __u64 hft_cpu::*count;  // of its runs on a CPU
  };

  struct Parts {
    std::function<absl::Status(const std::string& what)> admit;  // quiet mode's word
    std::function<absl::StatusOr<Attachment>(const std::string& program)> attach;
  };

  // `group` is the probe group's name, `programs` in the order in which they are attached: ends before beginnings. Both outlive it.
  TracepointGroup(std::string_view group, std::span<const Program> programs, Parts parts);

  std::vector<std::string_view> Names() const;
  bool IsOne(std::string_view program) const;
  // They cannot be had on this host: attaching is refused from now on with FAILED_PRECONDITION and the reason.
  void Refuse(std::string reason) { refusal_ = std::move(reason); }
  // Why they cannot be had; empty: they can.
  const std::string& refusal() const { return refusal_; }

  DemandProgram& demand() { return demand_; }
  bool attached() const { return demand_.attached(); }

  // Of the program of that name, summed over CPUs; 0 when it is none of these.
  uint64_t RunCount(std::string_view program, std::span<const hft_cpu> cpus) const;

 private:
  absl::Status Attach();
  absl::Status Detach();

  const std::string_view group_;
  const std::span<const Program> programs_;
  const Parts parts_;
  std::string refusal_;
  std::vector<Attachment> attachments_;  // touched by demand_ only, under its mutex
  DemandProgram demand_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_COLLECTORS_TRACEPOINT_GROUP_H_
