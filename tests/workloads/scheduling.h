// What a workload does to threads: pin, name, make real time, stop the clock on them. All calls act on the calling thread.
#ifndef HFTMON_TESTS_WORKLOADS_SCHEDULING_H_
#define HFTMON_TESTS_WORKLOADS_SCHEDULING_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace hftmon::workload {

// CLOCK_MONOTONIC nanoseconds.
int64_t NowNs();
pid_t Tid();

// CPUs of the mask that the process was given.
std::vector<int> InheritedCpus();
// `asked` when it is 0 or more, else the last CPU of the mask: the first is where machines keep their housekeeping. Exits 3 when `asked` is
// not in the mask.
int ChooseCpu(int64_t asked);
// Another CPU of the mask, or -1 when there is none.
int OtherCpu(int cpu);

void PinTo(int cpu);
void Name(const std::string& name);
// Empty when the thread is SCHED_FIFO at `priority` now; else why it was refused and what would help.
std::string BecomeFifo(int priority);
// SCHED_BATCH: a thread woken by this one does not preempt it.
void BecomeBatch();
// Lowers the thread's nice value as far as allowed: an unrelated process must not take part in what the workload measures.
void BecomeImportant();

void SleepUntil(int64_t monotonic_ns);
void SpinUntil(int64_t monotonic_ns);

// Ends the process after that time, whatever it does: no busy or real-time loop outlives its test. Not inherited by fork.
void LimitLifetime(unsigned seconds);

}  // namespace hftmon::workload

#endif  // HFTMON_TESTS_WORKLOADS_SCHEDULING_H_
