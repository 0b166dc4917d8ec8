// The host's clocks, as part of the status: the kernel's own, PTP hardware clocks, run queue clocks, epochs.
#ifndef HFTMON_CLIENT_CLI_RENDER_CLOCKS_H_
#define HFTMON_CLIENT_CLI_RENDER_CLOCKS_H_

#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/status.pb.h"

namespace hftmon {

// Lines "time", "ptp" and "epoch"; of the epochs only those that a step began.
std::string ClocksText(const v1::ClockStatus& clock);

// Adds run_queue_clocks, kernel_clock, ptp_clocks and epochs.
void AddClocksJson(const v1::ClockStatus& clock, Json* json);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_CLOCKS_H_
