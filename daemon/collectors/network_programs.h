// NetworkPrograms: the programs of packets (daemon/bpf/network.bpf.h), attached on demand as one.
//
// Each stands for a part of what is told: where a kernel lacks its tracepoint that part alone is missing, and missing() says which and why.
// Quiet mode is asked for once for all of them, so that they are attached, or not, together. Owner: the collector, which outlives it.
// Threads: LeaveOut before the load; demand().Settle() by one thread; the rest any, one mutex inside.
#ifndef HFTMON_DAEMON_COLLECTORS_NETWORK_PROGRAMS_H_
#define HFTMON_DAEMON_COLLECTORS_NETWORK_PROGRAMS_H_

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
#include "daemon/bpf/network_events.h"
#include "daemon/collectors/demand_program.h"

namespace hftmon {

class NetworkPrograms {
 public:
  // What is attached, as long as it lives.
  using Attachment = std::shared_ptr<void>;

  struct Parts {
    std::function<absl::Status(const std::string& what)> admit;  // quiet mode's word
    std::function<absl::StatusOr<Attachment>(const std::string& program)> attach;
    std::function<void()> begin;  // before they are attached: what arrived until now is not believed
  };
  explicit NetworkPrograms(Parts parts);

  static std::span<const std::string_view> Names();
  // This kernel cannot have that one.
  void LeaveOut(std::string_view program, const std::string& reason);
  // Which parts of what is told there are not, each with its reason: "sockets' datagrams: this kernel has no tracepoint sk_data_ready".
  const std::vector<std::string>& missing() const { return missing_; }
  // Why none can be had; empty: some can.
  std::string refusal() const;

  DemandProgram& demand() { return demand_; }
  bool attached() const { return demand_.attached(); }

  static bool IsOne(std::string_view program);
  // Of the program of that name, summed over CPUs; 0 when it is none of these.
  static uint64_t RunCount(std::string_view program, std::span<const hft_cpu_network> cpus);

 private:
  absl::Status Attach();
  absl::Status Detach();

  const Parts parts_;
  std::vector<std::string_view> left_out_;
  std::vector<std::string> missing_;
  std::mutex mutex_;
  std::vector<Attachment> attachments_;
  DemandProgram demand_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_COLLECTORS_NETWORK_PROGRAMS_H_
