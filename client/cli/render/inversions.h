// Priority inversions and boosts, for people and for programs.
#ifndef HFTMON_CLIENT_CLI_RENDER_INVERSIONS_H_
#define HFTMON_CLIENT_CLI_RENDER_INVERSIONS_H_

#include <string>

#include "absl/time/time.h"
#include "client/cli/render/json.h"
#include "hftmon/v1/inversions.pb.h"

namespace hftmon {

// A block for each inversion: who waited how long and for whom, the locks of the chain, who had the owner's CPU; then a table of the
// boosts. Times of day are those of `zone`.
std::string InversionsText(const v1::QueryInversionsResponse& response, const absl::TimeZone& zone);

// One object: inversions, boosts. What is not known is absent.
Json InversionsJson(const v1::QueryInversionsResponse& response);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_INVERSIONS_H_
