// RecommendText, RecommendJson: what to change, as `recommend` tells it. Pure.
#ifndef HFTMON_CLIENT_CLI_RENDER_RECOMMEND_H_
#define HFTMON_CLIENT_CLI_RENDER_RECOMMEND_H_

#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/recommend.pb.h"

namespace hftmon {

// A paragraph each: title, cause, evidence, do, undo, proof; then what could not be judged. `audit`: the host's settings were asked for
// too; then all commands stand once more at the end, a line each, and what undoes them in the other order.
std::string RecommendText(const v1::RecommendResponse& response, bool audit = false);

Json RecommendJson(const v1::RecommendResponse& response);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_RECOMMEND_H_
