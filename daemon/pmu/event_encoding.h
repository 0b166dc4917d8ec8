// EventEncoding: one event as perf_event_open takes it, free of the kernel's header (event_attributes.h fills that in). A value; any
// thread.
#ifndef HFTMON_DAEMON_PMU_EVENT_ENCODING_H_
#define HFTMON_DAEMON_PMU_EVENT_ENCODING_H_

#include <cstdint>
#include <string>
#include <vector>

namespace hftmon {

struct EventEncoding {
  std::string name;  // as it was asked for: "cycles:u", "r01d1", "cpu_core/mem-loads,ldlat=30/P"
  std::string pmu;   // the device in /sys/bus/event_source/devices that counts it: "cpu", "cpu_atom", "software", "amd_l3"
  // As in perf_event_attr.
  uint32_t type = 0;
  uint64_t config = 0;
  uint64_t config1 = 0;
  uint64_t config2 = 0;
  uint64_t config3 = 0;    // kernels from 6.3 on, attr.size 136: only a program that uses it may need that size
  uint8_t precise_ip = 0;  // 0 to 3; of meaning for samples alone
  bool exclude_user = false;
  bool exclude_kernel = false;
  bool exclude_hypervisor = false;
  // A number that nobody but its giver vouches for ("r01cd", "cpu/event=0xcd/"): the kernel opens such a one whether the processor has it
  // or not. A reading that stays 0 while cycles run is then no measured 0.
  bool number_unchecked = false;
  // False: the PMU counts for a package or a cache, whoever runs (uncore): opened with pid -1 on each of `cpus`, never on a thread.
  bool per_thread = true;
  // Sorted. Per thread: the CPUs on which it counts (a hybrid processor's cores of one kind). Else: the CPUs to open it on, one for each
  // package or cache. Empty: all of the host's, or the kernel does not say.
  std::vector<int> cpus;

  friend bool operator==(const EventEncoding&, const EventEncoding&) = default;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_EVENT_ENCODING_H_
