// What happened around events, for people and for programs. Pure functions.
#ifndef HFTMON_CLIENT_CLI_RENDER_CORRELATE_H_
#define HFTMON_CLIENT_CLI_RENDER_CORRELATE_H_

#include <string>

#include "absl/time/time.h"
#include "client/cli/render/json.h"
#include "hftmon/v1/timeline.pb.h"

namespace hftmon {

// A row for each event that was hit, with its longest stall and what caused most of it; the causes over all events; how many were hit, and
// of how many nothing can be known, by reason.
std::string CorrelateText(const v1::CorrelateEventsResponse& response, const absl::TimeZone& zone);

// One object: events as they were asked, causes, and the spikes that events name, each once.
Json CorrelateJson(const v1::CorrelateEventsResponse& response);

// Of several calls one answer: `more` is what comes behind `all`. A cause's stalls that both have count twice.
void AppendCorrelation(const v1::CorrelateEventsResponse& more, v1::CorrelateEventsResponse* all);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_CORRELATE_H_
