// PlacedLine: a contended cache line with the places of its data and code, whoever sampled it: a recording, or the daemon. A value.
#ifndef HFTMON_CLIENT_CLI_PLACED_LINE_H_
#define HFTMON_CLIENT_CLI_PLACED_LINE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/cli/import/mapped_place.h"
#include "common/memory_access/contended_line.h"

namespace hftmon {

struct LineThreadName {
  std::string comm;           // bytes from outside; empty: not known
  int32_t namespace_tid = 0;  // in the thread's own pid namespace; 0: that is the daemon's, or not known
};

struct PlacedLine {
  ContendedLine line;
  std::optional<MappedPlace> data;
  std::vector<std::optional<MappedPlace>> offset_data;  // of line.offsets, one each: what lies there is not always what the line begins in
  std::vector<std::optional<MappedPlace>> code;         // of line.sites, one each
  std::map<uint32_t, LineThreadName> names;             // by tid; of a recording none
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_PLACED_LINE_H_
