// The operation, or the gap between heartbeats, that a spike is about.
#ifndef HFTMON_CLIENT_CLI_RENDER_MARKED_SPAN_H_
#define HFTMON_CLIENT_CLI_RENDER_MARKED_SPAN_H_

#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/spikes.pb.h"

namespace hftmon {

// A line of its own: "    operation match, value 4711: usually 310ns, threshold 2.4us (adaptive), stalls from 2us on are known".
std::string MarkedSpanText(const v1::MarkedSpan& span);
Json MarkedSpanJson(const v1::MarkedSpan& span);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_MARKED_SPAN_H_
