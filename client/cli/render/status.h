// The daemon's status for people and for programs.
#ifndef HFTMON_CLIENT_CLI_RENDER_STATUS_H_
#define HFTMON_CLIENT_CLI_RENDER_STATUS_H_

#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/status.pb.h"

namespace hftmon {

// The daemon and its cost, its clock, then tables of probes, of bounds in use and of drops that happened.
std::string StatusText(const v1::GetStatusResponse& response);
Json StatusJson(const v1::GetStatusResponse& response);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_STATUS_H_
