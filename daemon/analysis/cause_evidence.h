// CauseEvidence: one English sentence for a cause, with the numbers behind it.
//
// Not for the housekeeping thread: it allocates, and the resolvers may read /proc.
#ifndef HFTMON_DAEMON_ANALYSIS_CAUSE_EVIDENCE_H_
#define HFTMON_DAEMON_ANALYSIS_CAUSE_EVIDENCE_H_

#include <cstdint>
#include <functional>
#include <string>

#include "daemon/analysis/spike.h"

namespace hftmon {

// `name_of` gives a tid's name when the kernel's record did not carry it, empty when it is unknown; `syscall_name` a system call's name,
// empty when the number is unknown. Either may be empty itself.
std::string CauseEvidence(const Spike& spike, const Cause& cause, const std::function<std::string(uint32_t)>& name_of,
                          const std::function<std::string(int32_t)>& syscall_name);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_CAUSE_EVIDENCE_H_
