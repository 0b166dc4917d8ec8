// NetworkBetween: polls, drops, retransmits and ways of packets from one answer of QueryNetwork to the next. Pure, any thread.
#ifndef HFTMON_CLIENT_CLI_NETWORK_BETWEEN_H_
#define HFTMON_CLIENT_CLI_NETWORK_BETWEEN_H_

#include "hftmon/v1/network.pb.h"

namespace hftmon {

// As the second answer, with differences for counts and sums; drops of which there were none are left out, and so are the retransmits by
// connection (their sum stays). Longest ones are the second's: of that time none was longer.
v1::QueryNetworkResponse NetworkBetween(const v1::QueryNetworkResponse& first, const v1::QueryNetworkResponse& second);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_NETWORK_BETWEEN_H_
