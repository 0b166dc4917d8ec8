// What hardware and hypervisor do to CPUs, and may have had of a spike, for people and for programs.
#ifndef HFTMON_CLIENT_CLI_RENDER_HARDWARE_H_
#define HFTMON_CLIENT_CLI_RENDER_HARDWARE_H_

#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/hardware.pb.h"

namespace hftmon {

// A table of the CPUs, one of their idle states, the registers that were asked for, then what is unavailable and why.
std::string HardwareText(const v1::QueryHardwareResponse& response);

// One object: sources, cpus. What is not known is absent.
Json HardwareJson(const v1::QueryHardwareResponse& response);

// Of a spike: a line of bounds, and one for each sibling that was busy; "" when nothing is known.
std::string HardwareEvidenceText(const v1::HardwareEvidence& evidence);
Json HardwareEvidenceJson(const v1::HardwareEvidence& evidence);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_HARDWARE_H_
