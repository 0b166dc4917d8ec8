// How the daemon operates: its mode, quiet hours, off and on.
#ifndef HFTMON_CLIENT_CLI_RENDER_OPERATION_H_
#define HFTMON_CLIENT_CLI_RENDER_OPERATION_H_

#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/status.pb.h"

namespace hftmon {

// Without schema_version: a part of an answer.
Json OperationJson(const v1::OperationStatus& operation);
std::string OperationText(const v1::OperationStatus& operation);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_OPERATION_H_
