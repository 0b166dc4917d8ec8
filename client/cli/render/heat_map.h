// Heat maps of where memory lies, drawn with letters or as a table, and as JSON. Pure; no I/O.
#ifndef HFTMON_CLIENT_CLI_RENDER_HEAT_MAP_H_
#define HFTMON_CLIENT_CLI_RENDER_HEAT_MAP_H_

#include <cstdint>
#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/numa.pb.h"

namespace hftmon {

// A line a row. Of nodes: a column each, shares as a digit (tenths, '#' for all, '.' for none, '+' for less than a tenth). Of pages: a
// column a part of the mapping, with its node as a letter (A is 0, Z and above is Z; small where some of its pages are elsewhere or not
// there), '.' where none was there and ' ' where none was looked at. Of cache lines: a table of those that were used most; `now_ns`, on
// the daemon's CLOCK_MONOTONIC, tells how old their samples are.
std::string HeatMapText(const v1::HeatMap& map, int64_t now_ns);
Json HeatMapJson(const v1::HeatMap& map);

// The answer's word for a resolution.
std::string ResolutionName(v1::HeatMapResolution resolution);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_HEAT_MAP_H_
