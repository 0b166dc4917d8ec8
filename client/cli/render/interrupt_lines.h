// Where device interrupts may arrive, and whom they hit, for people and for programs.
#ifndef HFTMON_CLIENT_CLI_RENDER_INTERRUPT_LINES_H_
#define HFTMON_CLIENT_CLI_RENDER_INTERRUPT_LINES_H_

#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/interrupts.pb.h"

namespace hftmon {

// A table of the lines; nothing when they were not asked for (`asked`) or could not be read.
std::string InterruptLinesText(const v1::QueryInterruptsResponse& response, bool asked);

// What --affinity adds to the answer: lines, unread_line_count, unread_thread_count; lines_unavailable instead, with the reason.
Json InterruptLinesJson(const v1::QueryInterruptsResponse& response);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_INTERRUPT_LINES_H_
