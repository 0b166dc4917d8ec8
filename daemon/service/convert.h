// Convert: domain <-> proto for what several calls share: threads, status. Pure functions, any thread.
// Time, spikes, switches and targets have files of their own: convert_time.h, convert_spike.h, convert_switches.h, convert_targets.h.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_H_

#include "daemon/control/status_source.h"
#include "daemon/control/thread_names.h"
#include "daemon/ingest/interval.h"
#include "daemon/service/convert_time.h"
#include "hftmon/v1/status.pb.h"

namespace hftmon {

void ThreadToProto(const ThreadKey& thread, ThreadNames* names, v1::ThreadId* out);

void OperationToProto(const OperationStatus& status, v1::OperationStatus* out);
void StatusToProto(const DaemonStatus& status, v1::GetStatusResponse* out);
void CapabilityToProto(const Capability& capability, v1::Capability* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_H_
