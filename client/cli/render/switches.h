// Context switches for people and for programs.
#ifndef HFTMON_CLIENT_CLI_RENDER_SWITCHES_H_
#define HFTMON_CLIENT_CLI_RENDER_SWITCHES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "client/cli/render/json.h"
#include "hftmon/v1/switches.pb.h"

namespace hftmon {

// A line about the window, a table of the threads, and, when there are any, one of the events. `threads_max`: only those that waited
// longest have a row, the others a sentence together; 0 = all have one.
std::string SwitchesText(const v1::QueryContextSwitchesResponse& response, size_t threads_max = 0);

// The percentiles of `asked` that no thread has, and why; empty when there are none such. `all`: of all that is kept.
std::string PercentilesLeftOut(const v1::QueryContextSwitchesResponse& response, const std::vector<double>& asked, bool all);

// One object with all keys of the contract. `events_asked`: say whether the list of events is complete.
Json SwitchesJson(const v1::QueryContextSwitchesResponse& response, bool events_asked);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_SWITCHES_H_
