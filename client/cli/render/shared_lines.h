// Cache lines that threads share where nobody tells whether they are contended, as text and JSON. Pure; no I/O.
#ifndef HFTMON_CLIENT_CLI_RENDER_SHARED_LINES_H_
#define HFTMON_CLIENT_CLI_RENDER_SHARED_LINES_H_

#include <string>
#include <vector>

#include "client/cli/placed_line.h"
#include "client/cli/render/json.h"

namespace hftmon {

// A table of the lines, then for each of them who uses which offset from where. "" without lines.
std::string SharedLinesText(const ContendedLineTable& table, const std::vector<PlacedLine>& lines);

// [{address, …}]: no HITM, no cycles and no verdict, but what it would be.
Json SharedLinesJson(const std::vector<PlacedLine>& lines);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_SHARED_LINES_H_
