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
// {cpu, scheduling}: where the loop runs, and as what. As the text: "loop    on CPU 1, SCHED_OTHER nice -20".
Json LoopPlaceJson(const v1::LoopStatus& loop);
std::string LoopPlaceText(const v1::LoopStatus& loop);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_OPERATION_H_
