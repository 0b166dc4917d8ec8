// MemoryPrograms: the programs of page faults, TLB flushes and who sends them, reclaim, compaction, moved pages and collapses
// (daemon/bpf/memory.bpf.h, shootdowns.bpf.h, moved_pages.bpf.h), attached on demand as one.
//
// A fault's end is one of the kernel's software events minor-faults and major-faults, which are opened for each CPU that is online; CPUs
// that come later get theirs at the next FollowCpus. The kernel forgets the events of a CPU that goes offline, be it for a moment: where
// that is not seen it is known by faults of which none ends any more. Until then their threads' unended_count says so. Quiet mode is asked
// for once for all of them, so that they are attached, or not, together. Owner: the collector, which outlives it. Threads: Prepare before
// the load; FollowCpus and demand().Settle() by one thread; the rest any, one mutex inside.
#ifndef HFTMON_DAEMON_COLLECTORS_MEMORY_PROGRAMS_H_
#define HFTMON_DAEMON_COLLECTORS_MEMORY_PROGRAMS_H_

#include <linux/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/bpf/switch_events.h"
#include "daemon/collectors/demand_program.h"
#include "daemon/os/software_events.h"

namespace hftmon {

class MemoryPrograms {
 public:
  // What is attached, as long as it lives.
  using Attachment = std::shared_ptr<void>;

  struct Parts {
    std::function<absl::Status(const std::string& what)> admit;  // quiet mode's word
    std::function<absl::StatusOr<std::vector<int>>()> online;    // CPUs
    std::function<absl::StatusOr<int>(FaultEvent event, int cpu)> open_event;
    std::function<absl::StatusOr<Attachment>(const std::string& program)> attach;
    std::function<absl::StatusOr<Attachment>(const std::string& program, int event_fd)> attach_to_event;  // takes event_fd
    std::function<std::span<const hft_cpu>()> cpus;                                                       // what the programs count
  };
  explicit MemoryPrograms(Parts parts);

  // Those at a tracepoint without which there are none; those at one that a kernel may not have; and all.
  static std::span<const std::string_view> TracepointNames();
  static std::span<const std::string_view> OptionalNames();
  static std::vector<std::string> Names();
  // They cannot be had on this host: Attach is refused from now on with FAILED_PRECONDITION and the reason.
  void Refuse(std::string reason) { refusal_ = std::move(reason); }
  // One of OptionalNames that cannot be had here, and why. Before the load.
  void LeaveOut(const std::string& name, std::string reason) { left_out_[name] = std::move(reason); }
  // What is not told for that, each part once with the reason: reclaim, compaction, migration, senders, collapse.
  std::vector<std::pair<std::string, std::string>> missing() const;
  // Whether events can be opened here: one is, and closed again. Refuses where they cannot.
  void TryEvents();
  // Why they cannot be had; empty: they can.
  const std::string& refusal() const { return refusal_; }

  DemandProgram& demand() { return demand_; }
  bool attached() const { return demand_.attached(); }
  // While they are attached, at regular times: see above. Not in quiet mode.
  void FollowCpus();

  static bool IsOne(std::string_view program);
  // As `status` shows it, where that is not the program's section.
  static std::string_view AttachPoint(std::string_view program);
  // Of the program of that name, summed over CPUs; 0 when it is none of these.
  static uint64_t RunCount(std::string_view program, std::span<const hft_cpu> cpus);

 private:
  // So many faults of threads' own code on a CPU since the last one that ended are no chance.
  static constexpr uint64_t kUnendedFaultsMax = 1'000;

  struct CpuEvents {
    std::vector<Attachment> links;
    uint64_t begun_count = 0;  // at the look that found the last end
    uint64_t ended_count = 0;
  };

  absl::Status Attach();
  absl::Status AttachAdmitted();
  absl::Status AttachEvents(std::span<const int> cpus);
  void ForgetLostEvents(std::span<const int> online);
  absl::Status Detach();

  const Parts parts_;
  std::string refusal_;
  std::map<std::string, std::string, std::less<>> left_out_;  // with the reason
  std::mutex mutex_;
  std::vector<Attachment> tracepoints_;
  std::map<int, CpuEvents> events_;  // by CPU
  DemandProgram demand_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_COLLECTORS_MEMORY_PROGRAMS_H_
