// HardwareEvidence: what hardware and hypervisor may have had of a spike, as bounds. Pure functions over copies of what the programs keep.
#ifndef HFTMON_DAEMON_ANALYSIS_HARDWARE_EVIDENCE_H_
#define HFTMON_DAEMON_ANALYSIS_HARDWARE_EVIDENCE_H_

#include <linux/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "daemon/bpf/hardware_events.h"
#include "daemon/bpf/switch_events.h"

namespace hftmon {

// Another CPU of the core that the spike was on.
struct SiblingBusy {
  int cpu = 0;
  std::optional<int64_t> busy_ns;  // absent: its clock could not be compared, or (truncated) nothing is left of that time
  bool truncated = false;          // its log began later: that or more
  int64_t error_ns = 0;            // the spike may lie so much earlier or later in its clock
  uint32_t tid = 0;                // who had most of it; 0: nobody
  uint32_t tgid = 0;
  int64_t actor_ns = 0;
};

struct HardwareEvidence {
  std::optional<int64_t> reading_span_ns;  // absent: no reading before or none after the spike
  std::optional<uint64_t> smi_count_max;
  std::optional<int64_t> steal_ns_max;
  std::optional<double> frequency_ratio_lowest;
  std::vector<SiblingBusy> siblings;
};

// By how much the counter rose from one reading to a later one; absent where one of them lacks it, or its event was opened anew between.
std::optional<uint64_t> CounterRise(const hft_hardware_reading& from, const hft_hardware_reading& to, hft_hardware_counter counter);
std::optional<int64_t> StealRise(const hft_hardware_reading& from, const hft_hardware_reading& to);
// The frequency between the two by the base frequency; absent also where the CPU was idle all the time.
std::optional<double> FrequencyRatio(const hft_hardware_reading& from, const hft_hardware_reading& to);
// The lowest from one reading to the next.
std::optional<double> LowestFrequencyRatio(std::span<const hft_hardware_reading> oldest_first);

// What the readings of the spike's CPU say of [start, end]. All but `siblings`.
HardwareEvidence EvidenceOf(std::span<const hft_hardware_reading> oldest_first, int64_t start_mono_ns, int64_t end_mono_ns);

// Who ran on a CPU within [begin, end] of its own clock. `oldest_first`: its log, of which the last entry goes on.
SiblingBusy BusyWithin(std::span<const hft_runner> oldest_first, int64_t begin_clock_ns, int64_t end_clock_ns);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_HARDWARE_EVIDENCE_H_
