// Which pid namespace this process is in: numbers of processes mean nothing without it. Any thread.
#ifndef HFTMON_CLIENT_CPP_OWN_PID_NAMESPACE_H_
#define HFTMON_CLIENT_CPP_OWN_PID_NAMESPACE_H_

#include <cstdint>

#include "absl/status/statusor.h"

namespace hftmon {

// The inode number of the namespace that `link` stands for; 0: it is the initial one. FAILED_PRECONDITION: it cannot be told.
absl::StatusOr<uint64_t> OwnPidNamespace(const char* link = "/proc/self/ns/pid");

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CPP_OWN_PID_NAMESPACE_H_
