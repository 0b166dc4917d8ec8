// Where device interrupts may arrive, and whom they hit, for people and for programs.
#ifndef HFTMON_CLIENT_CLI_RENDER_INTERRUPT_LINES_H_
#define HFTMON_CLIENT_CLI_RENDER_INTERRUPT_LINES_H_

#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/interrupts.pb.h"

namespace hftmon {

// A table of the lines; why there are none; nothing when they were not asked for. `asked`: whether they were.
std::string InterruptLinesText(const v1::QueryInterruptsResponse& response, bool asked);

// One object a line.
Json InterruptLinesJson(const v1::QueryInterruptsResponse& response);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_INTERRUPT_LINES_H_
