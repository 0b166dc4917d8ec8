// How threads are scheduled and where their time went, for people and for programs.
#ifndef HFTMON_CLIENT_CLI_RENDER_THREADS_H_
#define HFTMON_CLIENT_CLI_RENDER_THREADS_H_

#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/threads.pb.h"

namespace hftmon {

// A row a thread: how it is scheduled, how its time is split, and the same drawn as a bar; at most 100 columns with numbers of 7 digits.
// Then where those ran that moved, how late periodic ones woke up, and who may run on isolated CPUs; with `changes`, those that were found.
std::string ThreadsText(const v1::QueryThreadsResponse& response, bool changes);

// One object; what is not known is absent.
Json ThreadsJson(const v1::QueryThreadsResponse& response);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_THREADS_H_
