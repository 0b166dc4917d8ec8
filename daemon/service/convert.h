// Convert: domain <-> proto for what several calls share: threads, targets, status. Pure functions, any thread.
// Time, spikes and switches have files of their own: convert_time.h, convert_spike.h, convert_switches.h.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_H_

#include "daemon/control/status_source.h"
#include "daemon/control/targets.h"
#include "daemon/control/thread_names.h"
#include "daemon/ingest/interval.h"
#include "daemon/service/convert_time.h"
#include "hftmon/v1/status.pb.h"
#include "hftmon/v1/targets.pb.h"

namespace hftmon {

void ThreadToProto(const ThreadKey& thread, ThreadNames* names, v1::ThreadId* out);

void TargetToProto(const TargetInfo& target, v1::Target* out);  // all but what the store measures
TargetOptions OptionsFromProto(const v1::TargetOptions& options);
// Takes the fields that the mask names. The request has been checked.
TargetUpdate UpdateFromProto(const v1::UpdateTargetRequest& request);

void OperationToProto(const OperationStatus& status, v1::OperationStatus* out);
void StatusToProto(const DaemonStatus& status, v1::GetStatusResponse* out);
void CapabilityToProto(const Capability& capability, v1::Capability* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_H_
