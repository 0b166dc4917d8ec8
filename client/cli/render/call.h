// The system call that a thread blocked in, for people and for programs.
#ifndef HFTMON_CLIENT_CLI_RENDER_CALL_H_
#define HFTMON_CLIENT_CLI_RENDER_CALL_H_

#include <cstdint>
#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/locks.pb.h"

namespace hftmon {

// "order_book[4711], running (glibc_mutex)".
std::string OwnerText(const v1::LockOwner& owner);
Json OwnerJson(const v1::LockOwner& owner);
// "7 (/var/log/feed)", "7" where it is not known what that names.
std::string DescriptorText(int32_t descriptor, const std::string& file);
// The line of a spike that says what the call's descriptor names now; empty: it has none, or that is not known.
std::string CallFileText(const v1::BlockedCall& call);
Json CallJson(const v1::BlockedCall& call);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_CALL_H_
