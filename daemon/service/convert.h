// Convert: domain <-> proto for what several calls share: time, threads, status. Pure functions, any thread.
// Spikes and switches have files of their own: convert_spike.h, convert_switches.h, and so have targets and rules: convert_targets.h.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_H_

#include "daemon/control/status_source.h"
#include "daemon/control/thread_names.h"
#include "daemon/ingest/interval.h"
#include "hftmon/v1/common.pb.h"
#include "hftmon/v1/status.pb.h"

namespace hftmon {

void TimePairToProto(const TimePair& pair, v1::TimePair* out);
void ThreadToProto(const ThreadKey& thread, ThreadNames* names, v1::ThreadId* out);

void StatusToProto(const DaemonStatus& status, v1::GetStatusResponse* out);
void CapabilityToProto(const Capability& capability, v1::Capability* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_H_
