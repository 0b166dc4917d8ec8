// DisturbanceWitness: what a process does to a CPU, counted by programs that are not its own: interrupts that it sends there, wake-ups of
// threads that wait there, times that it runs there; and the CPU's IRQ work, whoever queued it.
//
// Source: the tracepoints ipi_send_cpu and ipi_send_cpumask (Linux 6.4), sched_waking, sched_switch and irq_work_entry (x86).
#ifndef HFTMON_TESTS_PRIVILEGED_HARNESS_DISTURBANCE_WITNESS_H_
#define HFTMON_TESTS_PRIVILEGED_HARNESS_DISTURBANCE_WITNESS_H_

#include <sys/types.h>

#include <cstdint>
#include <string>

struct disturbance_witness_bpf;

namespace hftmon::testing {

class DisturbanceWitness {
 public:
  struct Counts {
    uint64_t ipi_count = 0;
    uint64_t ipi_from_interrupt_count = 0;  // by a timer interrupt or softirq that hit one of its threads: the kernel's own doing
    uint64_t wake_count = 0;
    uint64_t run_count = 0;
    uint64_t irq_work_count = 0;
  };

  DisturbanceWitness(pid_t process, int cpu);
  ~DisturbanceWitness();
  DisturbanceWitness(const DisturbanceWitness&) = delete;
  DisturbanceWitness& operator=(const DisturbanceWitness&) = delete;

  // Empty when it watches; else why not: a tracepoint that this kernel lacks.
  const std::string& refused() const { return refused_; }
  // Since it exists.
  Counts Read() const;
  // Whence the interrupts [first, last) of ipi_count were sent: a line of kernel functions each, innermost first. Known of the first eight
  // since it exists.
  std::string Origins(uint64_t first, uint64_t last) const;

 private:
  disturbance_witness_bpf* witness_ = nullptr;
  std::string refused_;
};

// This CPU's column of the rows of /proc/interrupts that carry a name and no number, as "RES 12, CAL 3": those that a neighbour may cause.
struct CpuInterrupts {
  int64_t reschedule = 0;     // RES
  int64_t function_call = 0;  // CAL
  int64_t tlb = 0;            // TLB
  int64_t irq_work = 0;       // IWI
};
CpuInterrupts ReadCpuInterrupts(int cpu);

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_PRIVILEGED_HARNESS_DISTURBANCE_WITNESS_H_
