// The audit: how the host is set up, as far as rules ask for it.
// Reads: the files of SettingTable and what AddBootFacts reads; /proc/swaps, VmSwap of /proc/PID/status; processes named irqbalance and
// their environment; thread_siblings_list; available_clocksource; NumaNodes; drivers of interfaces through CoalescingReport.
// Produces: kHostSetting and kCpuSetting, all that can be read whether they are well or not. What rules ask for with reserved CPUs alone
// and is many files (of CPUs and of queues) is read where there are some. A setting that the kernel does not have makes no fact.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_SETTINGS_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_SETTINGS_H_

#include <cstdint>
#include <functional>
#include <set>
#include <vector>

#include "daemon/os/file_root.h"
#include "daemon/service/coalescing_source.h"
#include "daemon/service/evidence/evidence_context.h"

namespace hftmon {

inline constexpr size_t kQueueFilesMax = 4096;  // of each row

struct SettingSources {
  FileRoot files;
  std::set<uint32_t> pids;                       // targets that run: whose memory in swap is told
  std::function<CoalescingReport()> coalescing;  // empty: drivers are not asked, which takes milliseconds and their lock
};

// Any thread but the housekeeping one: some 20 us a file.
void AddSettingFacts(const EvidenceContext& context, const SettingSources& sources, std::vector<Fact>* facts,
                     std::vector<MissingEvidence>* missing);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_SETTINGS_H_
