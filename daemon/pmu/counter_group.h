// CounterGroup: events of one thread or of one CPU that the kernel counts together: all at the same times, or none. They begin and end one
// after the other, so that the readings of one event twice in a group differ by the instructions in between, some hundred.
//
// One thread at a time; `calls` outlives it. Never from the loop: system calls, and the CPU where the counted thread runs (or which is
// counted) is interrupted: once for each event when it is opened and when it is closed, once by Enable, Disable and Read. The caller's own
// CPU, and that of a thread that does not run, are not. It is opened switched off. A descriptor for each event; of a CPU two at least.
#ifndef HFTMON_DAEMON_PMU_COUNTER_GROUP_H_
#define HFTMON_DAEMON_PMU_COUNTER_GROUP_H_

#include <linux/perf_event.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/os/perf_event_calls.h"
#include "daemon/os/perf_event_error.h"
#include "daemon/pmu/counter_reading.h"

namespace hftmon {

// More than any processor counts at once.
inline constexpr size_t kGroupEventsMax = 32;

struct CountedEvent {
  std::string name;  // for messages: "cycles:u"
  // Type, configs, exclusions, precise_ip, sample period. What belongs to the group is overwritten: size, read_format, disabled, inherit,
  // inherit_thread, pinned.
  perf_event_attr attributes = {};
};

struct CounterPlace {
  pid_t tid = 0;  // 0: the calling thread; -1: whoever runs on `cpu`
  int cpu = -1;   // -1: wherever the thread runs

  std::string ToString() const;  // "thread 17", "CPU 3"
};

// Whose events are counted too, as part of the thread's: of what the thread makes from then on, and what those make.
enum class CounterHeirs {
  kNobody,
  kThreads,              // kernels from 5.13
  kThreadsAndProcesses,  // child processes too: what `perf stat -p` counts
};

class CounterGroup {
 public:
  struct Options {
    CounterHeirs heirs = CounterHeirs::kNobody;  // kNobody for a CPU
    // All the time or not at all: it is never multiplexed, and Read fails once it found no counters.
    bool pinned = false;
    PerfEventRefusalFacts facts;  // for the reasons of a refusal
  };

  // All of them or an error; `events` in this order, the first leads. INVALID_ARGUMENT: none, more than kGroupEventsMax, an event that
  // this kernel or processor does not take as it is encoded. OUT_OF_RANGE: they do not fit together; the message says which does not.
  // RESOURCE_EXHAUSTED: descriptors, or counters that another user holds for itself. NOT_FOUND: no such thread or CPU, or the CPU is
  // offline. FAILED_PRECONDITION: this host cannot count it. PERMISSION_DENIED. Each names the event, the place, the cause and the mend.
  static absl::StatusOr<CounterGroup> Open(PerfEventCalls& calls, const CounterPlace& place, std::span<const CountedEvent> events,
                                           const Options& options);
  CounterGroup(CounterGroup&& other) noexcept;
  CounterGroup& operator=(CounterGroup&& other) noexcept;
  ~CounterGroup();

  absl::Status Enable();
  absl::Status Disable();

  // Of one moment, in the order of the events. Of a thread that ended: its last.
  // RESOURCE_EXHAUSTED: pinned, and it had to do without counters: it stays so. UNAVAILABLE: the kernel took the group apart because its
  // CPU went offline; open it anew when the CPU is back.
  absl::StatusOr<std::vector<CounterReading>> Read() const;

  size_t size() const { return event_count_; }
  const CounterPlace& place() const { return place_; }
  const std::string& name(size_t event) const { return members_[event].name; }
  // For a map of perf events; closed with the group.
  int descriptor(size_t event) const { return members_[event].descriptor; }
  // How samples of the group with PERF_SAMPLE_READ are written: the format, and the id of each event in them.
  uint64_t read_format() const;
  uint64_t id(size_t event) const { return members_[event].id; }

 private:
  struct Member {
    std::string name;
    int descriptor = -1;
    uint64_t id = 0;  // the kernel's, in readings
    bool sampled = false;
  };

  CounterGroup(PerfEventCalls& calls, const CounterPlace& place) : calls_(&calls), place_(place) {}

  absl::Status OpenMember(const CountedEvent& event, const Options& options);
  absl::Status Refused(int error, const CountedEvent& event, const perf_event_attr& attributes, const Options& options);
  absl::Status Control(unsigned long request, const char* what);
  absl::StatusOr<std::vector<CounterReading>> Decode(std::span<const std::byte> bytes) const;
  void Close();

  PerfEventCalls* calls_;
  CounterPlace place_;
  std::vector<Member> members_;  // the events, and where one CPU's is alone a witness: without company a group cannot be seen taken apart
  size_t event_count_ = 0;
  bool tells_lost_ = true;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_COUNTER_GROUP_H_
