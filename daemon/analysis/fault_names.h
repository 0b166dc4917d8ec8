// What a page fault is called. Pure.
#ifndef HFTMON_DAEMON_ANALYSIS_FAULT_NAMES_H_
#define HFTMON_DAEMON_ANALYSIS_FAULT_NAMES_H_

#include <string>

#include "daemon/ingest/fault.h"

namespace hftmon {

// "minor page fault at 0x7f01", "major page fault in a system call at 0x7f01".
std::string FaultPhrase(const Fault& fault);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_FAULT_NAMES_H_
