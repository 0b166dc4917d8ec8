// Contended cache lines, as text and JSON. Pure; no I/O.
#ifndef HFTMON_CLIENT_CLI_RENDER_CONTENDED_LINES_H_
#define HFTMON_CLIENT_CLI_RENDER_CONTENDED_LINES_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/cli/placed_line.h"
#include "client/cli/render/json.h"

namespace hftmon {

// A table of the lines, then for each of them its offsets, who uses them from where, and what to change. "" without lines.
std::string ContendedLinesText(const ContendedLineTable& table, const std::vector<PlacedLine>& lines);

// [{address, …}].
Json ContendedLinesJson(const std::vector<PlacedLine>& lines);

// "cycles", "remote", "total".
std::string_view LineOrderName(LineOrder order);

// "engine::Match()+0x12 (/opt/engine+0x4f2a)", "/opt/engine+0x4f2a" where the symbol is not known, the mapping and the address in the
// kernel, or the address alone where nothing known is mapped.
std::string PlaceText(const std::optional<MappedPlace>& place, uint64_t address);

// {mapping, offset?, symbol?}.
Json PlaceJson(const MappedPlace& place);

// {tid, pid, comm?, namespace_tid?}, without counts.
Json LineThreadJson(const PlacedLine& placed, const LineThread& thread);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_CONTENDED_LINES_H_
