// ProcessMaps: /proc/PID/maps as text -> its executable mappings. Pure functions.
#ifndef HFTMON_DAEMON_UNWIND_PROCESS_MAPS_H_
#define HFTMON_DAEMON_UNWIND_PROCESS_MAPS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hftmon {

inline constexpr size_t kMappingsMax = 4096;

// Whether a line is of a mapping that is executable. Of very many mappings few are: the others are not worth a parser.
bool IsExecutableLine(std::string_view line);

struct Mapping {
  uint64_t begin = 0;
  uint64_t end = 0;
  uint64_t offset = 0;
  uint64_t inode = 0;
  std::string path;  // as the process sees it; "[vdso]"; empty when anonymous
};

// Those that are executable, in the order of address, at most kMappingsMax. Lines that are none are left out.
std::vector<Mapping> ParseExecutableMappings(std::string_view maps);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_UNWIND_PROCESS_MAPS_H_
