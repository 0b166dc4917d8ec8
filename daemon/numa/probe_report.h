// ProbeReport: what hftmon-numa-probe found out about one CPU and one node's memory, and the one line of text in which it says so. The
// daemon takes that line for a stranger's: what cannot be is refused. Pure, any thread.
#ifndef HFTMON_DAEMON_NUMA_PROBE_REPORT_H_
#define HFTMON_DAEMON_NUMA_PROBE_REPORT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "daemon/numa/huge_page_choice.h"

namespace hftmon {

inline constexpr size_t kProbeReportBytesMax = 512;

struct ProbeReport {
  double load_ns = 0;    // median of the runs; 0: not measured, because pages lay elsewhere
  double read_mb_s = 0;  // 10^6 bytes a second, likewise
  uint64_t bytes_moved = 0;
  uint64_t page_count = 0;
  uint64_t page_on_node_count = 0;
  bool huge_pages = false;                     // all of it was mapped by huge pages
  SmallPages small_pages = SmallPages::kNone;  // why it was not; kNone where it was
};

// "load_ns=92.4 read_mb_s=14012.1 bytes_moved=… page_count=… page_on_node_count=… huge_pages=1 small_pages=0\n".
std::string FormatProbeReport(const ProbeReport& report);

// Of a probe of so many bytes. INTERNAL: another text, more pages than bytes have, times or rates that no memory has, values though pages
// lay elsewhere, or none though all were there.
absl::StatusOr<ProbeReport> ParseProbeReport(std::string_view text, int64_t buffer_bytes);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_NUMA_PROBE_REPORT_H_
