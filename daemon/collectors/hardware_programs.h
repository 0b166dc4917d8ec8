// HardwarePrograms: the programs of what hardware and hypervisor do to a CPU (daemon/bpf/hardware.bpf.h), attached on demand as one.
//
// The counters that they read are events of the msr PMU, opened for each CPU that is online: the one time that a CPU is interrupted for
// them, and once more when they are closed; cross_call_count() has the sum. CPUs that come later get theirs at the next FollowCpus. The
// kernel forgets the events of a CPU that goes offline, be it for a moment: readings without them tell. What the host does not have is
// left out, each for itself, and the rest stays: WhyNot says so. Quiet mode is asked for once for all of them.
// Owner: the collector, which outlives it. Threads: the choice of what there is before the load; FollowCpus and demand().Settle() by one
// thread; the rest any, one mutex inside.
#ifndef HFTMON_DAEMON_COLLECTORS_HARDWARE_PROGRAMS_H_
#define HFTMON_DAEMON_COLLECTORS_HARDWARE_PROGRAMS_H_

#include <linux/types.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/bpf/hardware_events.h"
#include "daemon/collectors/demand_program.h"

namespace hftmon {

class HardwarePrograms {
 public:
  // What is attached, as long as it lives.
  using Attachment = std::shared_ptr<void>;

  struct Parts {
    std::function<absl::Status(const std::string& what)> admit;  // quiet mode's word
    std::function<absl::StatusOr<std::vector<int>>()> online;    // CPUs
    std::function<absl::StatusOr<int>(const std::string& event, int cpu)> open_event;
    // Gives the programs the event at that place of their table, which keeps it: the descriptor is closed. -1: takes it away.
    std::function<absl::Status(uint32_t place, int event_fd)> put_event;
    std::function<absl::StatusOr<Attachment>(const std::string& program)> attach;
    std::function<std::span<hft_cpu_hardware>()> cpus;  // what the programs write
  };
  explicit HardwarePrograms(Parts parts);

  // By the kernel's name of their events.
  static std::span<const std::string_view> CounterNames();
  static std::span<const std::string_view> ProgramNames();

  // Before the load: a program, or a counter, that this host does not have.
  void LeaveOut(std::string_view name, std::string reason);
  // Why there is nothing of it; empty: it can be had. A counter that could not be opened at the last attaching has its reason too.
  std::string WhyNot(std::string_view program_or_counter) const;

  DemandProgram& demand() { return demand_; }
  bool attached() const { return demand_.attached(); }
  // While they are attached, at regular times: see above. Not in quiet mode.
  void FollowCpus();
  // Interrupts that opening and closing events has sent to CPUs so far, beside those of attaching programs.
  uint64_t cross_call_count() const { return cross_call_count_.load(std::memory_order_relaxed); }

  static bool IsOne(std::string_view program);
  // Of the program of that name, summed over CPUs; 0 when it is none of these.
  static uint64_t RunCount(std::string_view program, std::span<const hft_cpu_hardware> cpus);

 private:
  // The events of a CPU: a bit for each counter.
  struct CpuEvents {
    uint32_t open = 0;
    uint64_t looked_at = 0;  // readings there were at the last look
  };

  absl::Status Attach();
  absl::Status AttachAdmitted();
  absl::Status Detach();
  void OpenEvents(std::span<const int> online);
  CpuEvents OpenEventsOf(int cpu);
  void CloseEvents(int cpu, const CpuEvents& events);
  void ForgetLostEvents(std::span<const int> online);
  bool AreLost(int cpu, CpuEvents* events) const;
  void ForgetReadings();

  const Parts parts_;
  std::map<std::string, std::string, std::less<>> left_out_;  // by name: why
  DemandProgram demand_;
  mutable std::mutex mutex_;
  std::vector<Attachment> programs_;
  std::map<int, CpuEvents> events_;                                   // by CPU
  std::map<std::string, std::string, std::less<>> refused_counters_;  // by name: why they could not be opened
  std::atomic<uint64_t> cross_call_count_{0};                         // relaxed: a count
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_COLLECTORS_HARDWARE_PROGRAMS_H_
