// What a host can measure, for people and for programs.
#ifndef HFTMON_CLIENT_CLI_RENDER_DOCTOR_H_
#define HFTMON_CLIENT_CLI_RENDER_DOCTOR_H_

#include <string>

#include "client/cli/console.h"
#include "client/cli/render/json.h"
#include "hftmon/v1/status.pb.h"

namespace hftmon {

// One line a capability, with its mend below it when it is missing.
std::string DoctorText(const v1::GetCapabilitiesResponse& response, const TextStyle& style);
Json DoctorJson(const v1::GetCapabilitiesResponse& response);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_DOCTOR_H_
