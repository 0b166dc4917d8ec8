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

// Of those, the tables and what their marks mean: the threads' rates, with `counts` their counts, and what is unavailable.
std::string CacheTables(const v1::QueryCacheResponse& response, bool counts);

Json ThreadCacheJson(const v1::ThreadCache& thread);
// events, rate_definitions and unavailable, of an answer that has them.
template <typename Response>
void AddCounterSetJson(const Response& response, Json* json);
Json CounterEventJson(const v1::CounterEvent& event);

// One object; what is not known is absent.
Json CacheJson(const v1::QueryCacheResponse& response);

template <typename Response>
void AddCounterSetJson(const Response& response, Json* json) {
  (*json)["events"] = Json::array();
  for (const v1::CounterEvent& event : response.events()) (*json)["events"].push_back(CounterEventJson(event));
  (*json)["rate_definitions"] = Json::array();
  for (const v1::RateDefinition& rate : response.rates()) {
    (*json)["rate_definitions"].push_back({{"name", rate.name()}, {"unit", rate.unit()}, {"formula", rate.formula()}});
  }
  (*json)["unavailable"] = Json::array();
  for (const v1::UnavailablePart& part : response.unavailable()) {
    (*json)["unavailable"].push_back({{"part", part.part()}, {"reason", part.reason()}});
  }
}

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_CACHE_H_
