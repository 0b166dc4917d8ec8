// Where the lines and the code of sampled accesses lie in their process, by its mappings. Pure functions, any thread.
#ifndef HFTMON_DAEMON_ACCESS_PLACES_H_
#define HFTMON_DAEMON_ACCESS_PLACES_H_

#include <optional>
#include <vector>

#include "common/memory_access/contended_line.h"
#include "daemon/os/proc_maps.h"
#include "daemon/service/access_sampling.h"

namespace hftmon {

// The process's mappings when sampling began and when it was over; absent where they could not be read, as the later ones of a process
// that has ended.
struct AccessMappings {
  std::optional<ProcMaps> before;
  std::optional<ProcMaps> after;
};

// Absent where the two tell different things, or neither tells any. The kernel's half needs none of them.
std::optional<AddressPlace> PlaceOf(const AccessMappings& mappings, uint64_t address);

std::vector<LinePlaces> PlacesOf(const AccessMappings& mappings, const std::vector<ContendedLine>& lines);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ACCESS_PLACES_H_
