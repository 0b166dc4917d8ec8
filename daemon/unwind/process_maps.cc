#include "daemon/unwind/process_maps.h"

#include <cinttypes>
#include <cstdio>

#include "daemon/stacks/split.h"

namespace hftmon {

bool IsExecutableLine(std::string_view line) {
  const size_t permissions = line.find(' ');
  return permissions != std::string_view::npos && permissions + 3 < line.size() && line[permissions + 3] == 'x';
}

std::vector<Mapping> ParseExecutableMappings(std::string_view maps) {
  std::vector<Mapping> mappings;
  for (const std::string_view view : Split(maps, '\n')) {
    if (!IsExecutableLine(view)) continue;
    const std::string line(view);
    Mapping mapping;
    char permissions[5] = {};
    int path_at = 0;
    if (sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*x:%*x %" SCNu64 " %n", &mapping.begin, &mapping.end, permissions,
               &mapping.offset, &mapping.inode, &path_at) < 5) {
      continue;
    }
    if (permissions[2] != 'x' || mapping.end <= mapping.begin) continue;
    if (path_at > 0) mapping.path = line.substr(static_cast<size_t>(path_at));
    constexpr std::string_view kDeleted = " (deleted)";
    if (mapping.path.ends_with(kDeleted)) mapping.path.resize(mapping.path.size() - kDeleted.size());
    mappings.push_back(std::move(mapping));
    if (mappings.size() == kMappingsMax) break;
  }
  return mappings;
}

}  // namespace hftmon
