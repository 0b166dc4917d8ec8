// Page faults: domain -> proto. Pure.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_FAULT_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_FAULT_H_

#include <string>

#include "daemon/ingest/kernel_stall.h"
#include "daemon/os/proc_maps.h"
#include "hftmon/v1/memory.pb.h"

namespace hftmon {

// Requires that it is a fault. What lies at its address stays unset.
void FaultToProto(const KernelStall& fault, v1::PageFault* out);

// Sets what lies at its address; nullptr: that is not known, nothing is set.
void PlaceToProto(const ProcMapping* mapping, v1::PageFault* out);

// "anonymous", "heap", "stack", "file", "special" ([vdso] and the like), "unknown" for nullptr.
const char* MappingKind(const ProcMapping* mapping);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_FAULT_H_
