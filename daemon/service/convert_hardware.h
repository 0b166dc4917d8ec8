// ConvertHardware: what hardware and hypervisor do -> hftmon.v1. Any thread but the housekeeping thread (names may be read from /proc).
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_HARDWARE_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_HARDWARE_H_

#include "daemon/control/thread_names.h"
#include "daemon/service/hardware_totals.h"
#include "hftmon/v1/hardware.pb.h"
#include "hftmon/v1/spikes.pb.h"

namespace hftmon {

void HardwareSourceToProto(const HardwareSource& source, v1::HardwareSource* out);
void CpuHardwareToProto(const CpuHardwareTotal& total, int64_t now_mono_ns, v1::CpuHardware* out);
void RegistersToProto(const ModelRegisterReadings& readings, v1::CpuHardware* out);

// Fills the spike's field `hardware` when there is something to say. `totals` may be missing.
void AddHardware(const HardwareTotals* totals, const Spike& spike, ThreadNames* names, v1::Spike* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_HARDWARE_H_
