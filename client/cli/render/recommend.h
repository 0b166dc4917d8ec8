// RecommendText, RecommendJson: what to change, as `recommend` tells it. Pure.
#ifndef HFTMON_CLIENT_CLI_RENDER_RECOMMEND_H_
#define HFTMON_CLIENT_CLI_RENDER_RECOMMEND_H_

#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/recommend.pb.h"

namespace hftmon {

// A paragraph each: title, cause, evidence, do, undo, proof; then what could not be judged.
std::string RecommendText(const v1::RecommendResponse& response);

Json RecommendJson(const v1::RecommendResponse& response);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_RECOMMEND_H_
