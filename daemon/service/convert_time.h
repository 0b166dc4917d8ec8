// ConvertTime: domain -> proto for pairs of clocks, epochs and the clocks' own status. Pure functions, any thread.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_TIME_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_TIME_H_

#include <vector>

#include "common/clock_epoch.h"
#include "daemon/control/status_source.h"
#include "hftmon/v1/common.pb.h"
#include "hftmon/v1/status.pb.h"

namespace hftmon {

void TimePairToProto(const TimePair& pair, v1::TimePair* out);
// The pair that was in force in the epoch.
void EpochPairToProto(const ClockEpoch& epoch, v1::TimePair* out);
void EpochsToProto(const std::vector<ClockEpoch>& epochs, google::protobuf::RepeatedPtrField<v1::ClockEpoch>* out);

// Those that touch [begin, end]; the oldest kept besides when it began later than that. In their order.
std::vector<ClockEpoch> EpochsWithin(const std::vector<ClockEpoch>& epochs, int64_t begin_mono_ns, int64_t end_mono_ns);

void RunQueueClockToProto(const RunQueueClockStatus& clock, v1::RunQueueClock* out);
void KernelClockToProto(const KernelClock& clock, v1::KernelClock* out);
void PtpClockToProto(const PtpClock& clock, v1::PtpClock* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_TIME_H_
