// What threads block in, for people and for programs.
#ifndef HFTMON_CLIENT_CLI_RENDER_LOCKS_H_
#define HFTMON_CLIENT_CLI_RENDER_LOCKS_H_

#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/locks.pb.h"

namespace hftmon {

// A table of the calls that each thread blocked in, one of the locks that were waited for, with their owners, and one of the files.
std::string LocksText(const v1::QueryLocksResponse& response);

// One object: threads, locks, files. What is not known is absent.
Json LocksJson(const v1::QueryLocksResponse& response);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_LOCKS_H_
