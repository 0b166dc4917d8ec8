// The answer of `sharing`: contended cache lines and where loads were served, for people and for programs. Pure; no I/O.
#ifndef HFTMON_CLIENT_CLI_RENDER_SHARING_H_
#define HFTMON_CLIENT_CLI_RENDER_SHARING_H_

#include <string>
#include <vector>

#include "client/cli/render/json.h"
#include "client/cli/sharing_answer.h"
#include "hftmon/v1/sharing.pb.h"

namespace hftmon {

// What was sampled and what that cost, the loads by level, then the lines. `answer`: of the response.
std::string SharingText(const v1::SampleAccessesResponse& response, const SharingAnswer& answer);
Json SharingJson(const v1::SampleAccessesResponse& response, const SharingAnswer& answer);

// As those in warnings.h.
std::vector<std::string> WarningsOf(const v1::SampleAccessesResponse& response);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_SHARING_H_
