// TargetParts: who holds a target, how, and with which options. Passive; guarded by the registry's mutex.
#ifndef HFTMON_DAEMON_CONTROL_TARGET_PARTS_H_
#define HFTMON_DAEMON_CONTROL_TARGET_PARTS_H_

#include <compare>
#include <cstdint>
#include <map>

#include "daemon/control/part_options.h"

namespace hftmon {

struct PartKey {
  uint64_t session = 0;    // 0: it persists
  uint32_t rule = 0;       // 0: by its process id
  bool inherited = false;  // as a child of a process that is held so
  auto operator<=>(const PartKey&) const = default;
};

// A target without parts is watched no longer. The registry bounds their number (HoldingLimits).
using TargetParts = std::map<PartKey, PartOptions>;

// One part a key.
inline void AddPart(const PartKey& key, const PartOptions& options, TargetParts* parts) {
  const auto [part, added] = parts->emplace(key, options);
  if (!added) part->second.Add(options);
}

// Requires a part.
inline TargetOptions UnionOf(const TargetParts& parts) {
  TargetOptions united = parts.begin()->second.resolved();
  for (const auto& [key, options] : parts) united = UniteTargetOptions(united, options.resolved());
  return united;
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_TARGET_PARTS_H_
