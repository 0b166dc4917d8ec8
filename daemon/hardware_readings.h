// Whole copies of what programs keep for a CPU while they write it: readings of its registers, the log of who ran. Pure functions over
// mapped memory, any thread.
#ifndef HFTMON_DAEMON_HARDWARE_READINGS_H_
#define HFTMON_DAEMON_HARDWARE_READINGS_H_

#include <linux/types.h>

#include <cstdint>
#include <vector>

#include "daemon/bpf/hardware_events.h"
#include "daemon/bpf/switch_events.h"

namespace hftmon {

// Oldest first: those that were not overwritten meanwhile.
std::vector<hft_hardware_reading> CopyReadings(const hft_cpu_hardware& cpu);

// Whether there may be readings before `begin_mono_ns` and after `end_mono_ns`: looks at the oldest and the newest only. One that is being
// written now may make it false.
bool MaySurround(const hft_cpu_hardware& cpu, int64_t begin_mono_ns, int64_t end_mono_ns);

// Oldest first, the last one runs now. Empty where nothing is believed.
std::vector<hft_runner> CopyRunners(const hft_cpu& cpu);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_HARDWARE_READINGS_H_
