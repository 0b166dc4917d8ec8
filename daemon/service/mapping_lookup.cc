#include "daemon/service/mapping_lookup.h"

#include <algorithm>

namespace hftmon {

const ProcMapping* MappingLookup::Find(uint32_t pid, uint64_t address) {
  const auto [known, first] = maps_.try_emplace(pid);
  if (first && *read_) {
    const auto& targets = selection_->targets();
    const bool runs = std::any_of(targets.begin(), targets.end(),
                                  [pid](const TargetInfo& target) { return target.pid == pid && target.state != TargetState::kEnded; });
    // A number that another process may have by now is not looked into.
    if (absl::StatusOr<ProcMaps> maps = runs ? (*read_)(pid) : absl::NotFoundError("it has ended"); maps.ok())
      known->second = *std::move(maps);
  }
  return known->second ? known->second->Find(address) : nullptr;
}

}  // namespace hftmon
