// Blocking system calls and locks: domain -> proto. Any thread; the name of a thread that is not known yet is looked up.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_CALL_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_CALL_H_

#include <cstdint>

#include "daemon/control/thread_names.h"
#include "daemon/ingest/call.h"
#include "hftmon/v1/locks.pb.h"

namespace hftmon {

// `syscall` is its number. Requires call.state other than HFT_CALL_NONE.
void CallToProto(const Call& call, int32_t syscall, ThreadNames* names, v1::BlockedCall* out);

// Requires call.owner_tid != 0.
void OwnerToProto(const Call& call, ThreadNames* names, v1::LockOwner* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_CALL_H_
