// What the processor's counters say of threads, for people and for programs.
#ifndef HFTMON_CLIENT_CLI_RENDER_CACHE_H_
#define HFTMON_CLIENT_CLI_RENDER_CACHE_H_

#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/cache.pb.h"

namespace hftmon {

// Why nothing is counted, where that is so; then a table of each thread's rates, with `counts` one of its counts, and what is not told
// here.
std::string CacheText(const v1::QueryCacheResponse& response, bool counts);

// One object; what is not known is absent.
Json CacheJson(const v1::QueryCacheResponse& response);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_CACHE_H_
