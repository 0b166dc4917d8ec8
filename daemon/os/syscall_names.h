// Names of this machine's system calls. Any thread but the housekeeping thread.
#ifndef HFTMON_DAEMON_OS_SYSCALL_NAMES_H_
#define HFTMON_DAEMON_OS_SYSCALL_NAMES_H_

#include <cstdint>
#include <string>

namespace hftmon {

// "futex" for 202 on x86-64; empty for -1 (in no call); "syscall_NUMBER" for a number the resolver does not know.
std::string SyscallName(int32_t number);

// -1 when there is no such call here.
int32_t SyscallNumber(const std::string& name);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_SYSCALL_NAMES_H_
