// Names of what is known about a blocking call. Pure functions, any thread.
#ifndef HFTMON_DAEMON_ANALYSIS_CALL_NAMES_H_
#define HFTMON_DAEMON_ANALYSIS_CALL_NAMES_H_

#include <linux/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/bpf/call_events.h"

namespace hftmon {

// "pi_word", "lock_word", "glibc_mutex"; empty for HFT_OWNER_UNKNOWN.
const char* OwnerSourceName(hft_owner_source source);
// "running", "runnable", "blocked"; empty for HFT_OWNER_STATE_UNKNOWN.
const char* OwnerStateName(hft_owner_state state);
// "wait", "lock_pi" …; "command N" for one that is not waited in here.
std::string FutexCommandName(uint8_t command);

// Whether the first argument of that system call, by its name, is a file descriptor that it may block on.
bool TakesFileDescriptor(std::string_view syscall_name);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_CALL_NAMES_H_
