// PerfEventCalls: the seam to the kernel's counters: perf_event_open and what is done with its descriptors.
//
// Any thread. An implementation holds no descriptor: whoever opened one closes it. Never from the loop: system calls, and most of them
// interrupt the CPU where the counted thread runs.
#ifndef HFTMON_DAEMON_OS_PERF_EVENT_CALLS_H_
#define HFTMON_DAEMON_OS_PERF_EVENT_CALLS_H_

#include <linux/perf_event.h>
#include <sys/types.h>

#include <cstddef>
#include <span>

namespace hftmon {

class PerfEventCalls {
 public:
  virtual ~PerfEventCalls() = default;
  // A descriptor, or minus errno. `tid` 0 is the calling thread, -1 whoever runs on `cpu`; `cpu` -1 is every CPU; `group` the leader's
  // descriptor, or -1 for a leader. `attributes.size` must be set.
  virtual int Open(const perf_event_attr& attributes, pid_t tid, int cpu, int group, unsigned long flags) = 0;
  // Bytes, or minus errno. 0: the event is in error, its counters are gone (a pinned one that found none, or whose CPU went offline).
  virtual ssize_t Read(int descriptor, std::span<std::byte> to) = 0;
  // ioctl: 0, or minus errno. `argument` is a number or an address, as the request has it.
  virtual int Control(int descriptor, unsigned long request, unsigned long argument) = 0;
  virtual void Close(int descriptor) = 0;
};

class SystemPerfEventCalls final : public PerfEventCalls {
 public:
  int Open(const perf_event_attr& attributes, pid_t tid, int cpu, int group, unsigned long flags) override;
  ssize_t Read(int descriptor, std::span<std::byte> to) override;
  int Control(int descriptor, unsigned long request, unsigned long argument) override;
  void Close(int descriptor) override;
};

// Open and Read, called again where a signal or a bad moment came between and the kernel did nothing (EINTR, EAGAIN): 8 times in all.
// They return what the last call did. The descriptor is closed on exec.
int OpenRetrying(PerfEventCalls& calls, const perf_event_attr& attributes, pid_t tid, int cpu, int group);
ssize_t ReadRetrying(PerfEventCalls& calls, int descriptor, std::span<std::byte> to);

// A counter of cycles, which every hardware PMU has; switched off.
perf_event_attr CycleAttributes();
// Opens and closes one of this thread: 0, or errno.
int TryCycleCounter(PerfEventCalls& calls);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_PERF_EVENT_CALLS_H_
