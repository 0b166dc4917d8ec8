// PmuList: the units of this host that count events, as the kernel lists them. Passive data, read once; any thread.
// Reads: /sys/bus/event_source/devices/*/{type,cpus,cpumask,format,events,caps/max_precise,caps/min_interval}.
#ifndef HFTMON_DAEMON_PMU_PMU_LIST_H_
#define HFTMON_DAEMON_PMU_PMU_LIST_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/os/file_root.h"
#include "daemon/pmu/pmu_field.h"

namespace hftmon {

struct Pmu {
  std::string name;
  uint32_t type = 0;
  bool core = false;                          // of the processor's cores: "cpu"; one a kind on hybrid processors and on Arm
  bool per_thread = true;                     // as EventEncoding says
  std::vector<int> cpus;                      // as EventEncoding says
  std::map<std::string, PmuField> fields;     // of its terms: "event", "umask", "ldlat"
  std::map<std::string, std::string> events;  // text as the kernel wrote it: "mem-loads" → "event=0xcd,umask=0x1,ldlat=3"
  std::optional<int> precise_max;             // of precise_ip; absent: it tells none
  std::optional<uint64_t> interval_min;       // of sampling, as Arm's statistical profiling tells it; absent: it tells none
  size_t unread_count = 0;                    // files of CPUs, fields and events that were beyond a bound, not to be read or not understood
};

struct PmuList {
  std::vector<Pmu> pmus;    // by name
  std::string reason;       // why there are none; empty otherwise
  size_t unread_count = 0;  // entries without a type, or beyond the bound

  // What cannot be read is left out and counted. At most 4,096 units, each with at most 4,096 events and 256 fields.
  static PmuList Read(const FileRoot& root);
  // Null: this host has none of that name or type.
  const Pmu* Find(std::string_view name) const;
  const Pmu* OfType(uint32_t type) const;
  std::vector<const Pmu*> Cores() const;
};

// Whether its event numbers are those of Arm's PMUv3, of which the kernel lists the implemented common ones in `events`.
bool IsArmPmuV3Name(std::string_view pmu_name);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_PMU_LIST_H_
