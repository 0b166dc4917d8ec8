// SwitchCollector: loads the scheduler's and the interrupts' programs (one object: they share their memory), maps it, attaches them.
//
// Reads:    sched_switch, sched_migrate_task, sched_process_fork, sched_process_exec, sched_pi_setprio where the kernel has it (through
//           daemon/bpf/switch.bpf.c); entry and exit of interrupts, see interrupt_programs.h; on demand sched_waking, page faults, TLB
//           flushes and reclaim (memory_programs.h), contended locks of the kernel, and what the hardware does (hardware_programs.h),
//           packets (network_programs.h), work that interrupts put off (deferred_programs.h), the end of
//           system calls, events that threads count (counter_programs.h).
// Produces: a KernelView; the free slots; for each program its exact run count, its measured cost, what the kernel skipped.
// Owner: the daemon; outlives every user of the view. Threads: made and destroyed by the main thread; MeasureCost() by one thread at a
// time, Probes() by any. Everything leaves the kernel with this object, however the process ends.
#ifndef HFTMON_DAEMON_COLLECTORS_SWITCH_COLLECTOR_H_
#define HFTMON_DAEMON_COLLECTORS_SWITCH_COLLECTOR_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/collectors/bpf_object.h"
#include "daemon/collectors/counter_programs.h"
#include "daemon/collectors/deferred_programs.h"
#include "daemon/collectors/demand_program.h"
#include "daemon/collectors/hardware_programs.h"
#include "daemon/collectors/kernel_view.h"
#include "daemon/collectors/memory_programs.h"
#include "daemon/collectors/network_programs.h"
#include "daemon/collectors/slot_stack.h"
#include "daemon/collectors/tracepoint_group.h"

namespace hftmon {

// How the programs reach the kernel's objects (daemon/bpf/access_*).
enum class KernelAccess { kAuto, kBtf, kRaw };

// One program, as the kernel and the program itself account it.
struct ProbeFigures {
  std::string name;
  std::string attach_point;
  uint64_t run_count = 0;         // kept by the program, exact
  std::optional<double> mean_ns;  // from MeasureCost; absent when it did not run meanwhile
  uint64_t recursion_misses = 0;  // runs the kernel skipped
  int32_t instruction_count = 0;  // after the verifier's translation
  bool detached = false;          // loaded, and attached only while somebody wants it
};

// One that was left out, and why.
struct MissingProgram {
  std::string name;
  std::string attach_point;
  std::string reason;
};

class SwitchCollector : public SlotStack {
 public:
  struct Options {
    uint32_t threads_max = 16384;                      // slots, the unused slot 0 not counted; at most 65534
    uint64_t rings_bytes_total = 8u << 20;             // all CPUs together; a ring has at least 512 cells and at most 8192
    uint32_t pid_bound = 0;                            // kernel.pid_max; tids from here on are refused and counted
    std::string btf_path = "/sys/kernel/btf/vmlinux";  // another file means a kernel without BTF: raw tracepoints are used
    KernelAccess access = KernelAccess::kAuto;
    const QuietGate* gate = nullptr;      // asked before anything is loaded, attached or measured; may be null
    uint32_t stack_threads_max = 2048;    // slots up to this one can have user stacks: 2 KiB of kernel memory each
    uint32_t call_threads_max = 2048;     // slots up to this one can be asked what they block in: 736 bytes each
    uint32_t kernel_threads_max = 2048;   // slots up to this one can be asked for their faults and kernel locks: 1.4 KiB each
    uint32_t counter_threads_max = 2048;  // slots up to this one can be asked what they count: 256 bytes each
    uint32_t register_offset = 0;         // from TaskIterator::RegisterOffset; 0 = the kind of a switch is known from the counts only
  };
  // Tells of priority inheritance (daemon/bpf/boost.bpf.h); among missing_programs() where this kernel lacks its tracepoint.
  static constexpr std::string_view kBoostProgram = "on_boost";

  static absl::StatusOr<std::unique_ptr<SwitchCollector>> Create(const Options& options);

  // Attaching is one announced burst of cross-calls. From here on every switch of the host runs the program.
  absl::Status Attach();

  // Who wakes watched threads (daemon/bpf/waker.bpf.h).
  DemandProgram& waker_program() { return *waker_program_; }
  // Page faults and TLB flushes.
  MemoryPrograms& memory_programs() { return *memory_programs_; }
  const MemoryPrograms& memory_programs() const { return *memory_programs_; }
  // Contended locks of the kernel (daemon/bpf/kernel_locks.bpf.h).
  TracepointGroup& kernel_lock_programs() { return *kernel_lock_programs_; }
  const TracepointGroup& kernel_lock_programs() const { return *kernel_lock_programs_; }
  // The end of system calls (daemon/bpf/returns.bpf.h).
  TracepointGroup& return_programs() { return *return_programs_; }
  const TracepointGroup& return_programs() const { return *return_programs_; }
  // Registers, idle states, frequency, machine checks.
  HardwarePrograms& hardware_programs() { return *hardware_programs_; }
  const HardwarePrograms& hardware_programs() const { return *hardware_programs_; }
  // Packets.
  NetworkPrograms& network_programs() { return *network_programs_; }
  const NetworkPrograms& network_programs() const { return *network_programs_; }
  // Work that interrupts put off.
  DeferredPrograms& deferred_programs() { return *deferred_programs_; }
  const DeferredPrograms& deferred_programs() const { return *deferred_programs_; }
  // Events that threads count.
  CounterPrograms& counter_programs() { return *counter_programs_; }
  const CounterPrograms& counter_programs() const { return *counter_programs_; }
  // Why not even the kernel's own events can be counted, as TryOpen says; OK: they can.
  const absl::Status& counter_refusal() const { return counter_refusal_; }
  // Whether it knows an interrupt by the kernel's own count, not only by the interrupts that have an entry tracepoint.
  bool reads_preempt_count() const { return reads_preempt_count_; }

  const KernelView& view() const { return view_; }
  KernelAccess access() const { return access_; }
  // Why the kernel is read through raw tracepoints although nobody asked for them; empty: it is not.
  const std::string& fallback_reason() const { return fallback_reason_; }
  // Whether a thread's saved registers can be reached: without, there are no user stacks.
  // The kernel stack of a shootdown's sender, innermost first, by hft_shootdown_sender.stack; empty: it cannot be read. Any thread.
  std::vector<uint64_t> SenderStack(int32_t stack) const;
  bool has_registers() const { return has_registers_; }

  absl::StatusOr<uint16_t> Pop() override;
  absl::Status Push(uint16_t slot) override;

  // Lets the kernel time every BPF run of the host while it is called with true (45 ns a run; CAP_SYS_ADMIN), and takes the figures at
  // false.
  absl::Status MeasureCost(bool on);
  std::vector<ProbeFigures> Probes() const;
  int64_t MapBytes() const { return object_->MapBytes(); }
  // Programs left out because this kernel lacks their tracepoint (other machines' interrupt vectors).
  const std::vector<MissingProgram>& missing_programs() const { return missing_programs_; }

 private:
  SwitchCollector(std::unique_ptr<BpfObject> object, KernelAccess access) : object_(std::move(object)), access_(access) {}
  static absl::StatusOr<std::unique_ptr<SwitchCollector>> CreateWith(const Options& options, KernelAccess access);
  // Possible ones; the error of options out of bounds.
  static absl::StatusOr<uint32_t> CpusOf(const Options& options);
  absl::Status Prepare(const Options& options);
  void ChooseWakerProgram();
  void MakeDemandGroups();
  absl::Status PrepareMemoryPrograms();
  absl::Status PrepareGroup(TracepointGroup* group);
  absl::Status LeaveOutOptional();
  void NoteMissing(const BpfObject::Program& program);
  void MakeHardwarePrograms();
  absl::Status PutCounter(uint32_t place, int event_fd);
  absl::Status PrepareHardwarePrograms();
  void MakeNetworkPrograms();
  absl::Status PrepareNetworkPrograms();
  absl::Status MapSmallTables();
  void MakeDeferredPrograms();
  absl::Status PrepareDeferredPrograms();
  absl::Status MapDeferred();
  void MakeReturnPrograms();
  absl::Status PrepareReturnPrograms();
  absl::Status MapReturns();
  static uint32_t CounterSpansPerRing(uint32_t cpus);
  void MakeCounterPrograms();
  absl::Status PutThreadCounter(uint32_t place, int event_fd);
  absl::Status PrepareCounterPrograms(const Options& options);
  absl::Status MapCounters();
  bool IsDetached(std::string_view program) const;
  void FillCpus();
  absl::Status MapAll();
  absl::Status FillStack(uint32_t threads_max);

  std::unique_ptr<BpfObject> object_;
  std::string waker_name_;
  bool reads_preempt_count_ = false;
  std::unique_ptr<DemandProgram> waker_program_;
  std::unique_ptr<MemoryPrograms> memory_programs_;  // after the object, whose programs it detaches at its end
  std::unique_ptr<TracepointGroup> kernel_lock_programs_;
  std::unique_ptr<TracepointGroup> return_programs_;
  std::unique_ptr<HardwarePrograms> hardware_programs_;
  std::unique_ptr<NetworkPrograms> network_programs_;  // likewise
  std::unique_ptr<DeferredPrograms> deferred_programs_;
  SystemPerfEventCalls perf_calls_;
  std::unique_ptr<CounterPrograms> counter_programs_;
  absl::Status counter_refusal_;
  const QuietGate* gate_ = nullptr;
  KernelAccess access_;
  std::string fallback_reason_;
  bool has_registers_ = false;
  KernelView view_;
  std::vector<MissingProgram> missing_programs_;
  int free_slots_fd_ = -1;
  int statistics_fd_ = -1;
  mutable std::mutex mean_ns_mutex_;
  std::map<std::string, double> mean_ns_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_COLLECTORS_SWITCH_COLLECTOR_H_
