// MappingLookup: what lies at addresses of processes, for one answer: each process's mappings are read once, as they are then.
//
// One thread. Reads the /proc/PID/maps of running targets only; a process that ended, whoever has its number now, or that may not be looked
// into has no mapping.
#ifndef HFTMON_DAEMON_SERVICE_MAPPING_LOOKUP_H_
#define HFTMON_DAEMON_SERVICE_MAPPING_LOOKUP_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "absl/status/statusor.h"
#include "daemon/ingest/interval.h"
#include "daemon/os/proc_maps.h"
#include "daemon/service/target_selection.h"

namespace hftmon {

class MappingLookup {
 public:
  // `read` tells a process's mappings; it and `selection` outlive the lookup.
  using Reader = std::function<absl::StatusOr<ProcMaps>(uint32_t pid)>;
  MappingLookup(const Reader* read, const TargetSelection* selection) : read_(read), selection_(selection) {}

  // In the process of the thread. nullptr: not known. Valid as long as the lookup.
  const ProcMapping* Find(const ThreadKey& thread, uint64_t address);

 private:
  const Reader* const read_;
  const TargetSelection* const selection_;
  std::map<uint32_t, std::optional<ProcMaps>> maps_;  // by process id, of those that run
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_MAPPING_LOOKUP_H_
