// TargetParts: who holds a target, how, and with which options. Passive; guarded by the registry's mutex.
#ifndef HFTMON_DAEMON_CONTROL_TARGET_PARTS_H_
#define HFTMON_DAEMON_CONTROL_TARGET_PARTS_H_

#include <compare>
#include <cstdint>
#include <map>

#include "daemon/control/target_options.h"
#include "daemon/control/targets.h"

namespace hftmon {

struct PartKey {
  uint64_t session = 0;    // 0: it persists
  uint32_t rule = 0;       // 0: by its process id
  bool inherited = false;  // as a child of a process that is held so
  auto operator<=>(const PartKey&) const = default;
};

// The options are resolved. A target without parts is watched no longer.
using TargetParts = std::map<PartKey, TargetOptions>;

inline constexpr size_t kPartsMax = 64;  // of one target

// One part a key: asked twice, it wants both. False at kPartsMax.
inline bool AddPart(const PartKey& key, const TargetOptions& options, TargetParts* parts) {
  const auto part = parts->find(key);
  if (part != parts->end()) {
    part->second = UniteTargetOptions(part->second, options);
    return true;
  }
  if (parts->size() >= kPartsMax) return false;
  parts->emplace(key, options);
  return true;
}

// Requires a part.
inline TargetOptions UnionOf(const TargetParts& parts) {
  TargetOptions united = parts.begin()->second;
  for (const auto& [key, options] : parts) united = UniteTargetOptions(united, options);
  return united;
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_TARGET_PARTS_H_
