#include "daemon/service/mapping_lookup.h"

#include <algorithm>

namespace hftmon {

const ProcMapping* MappingLookup::Find(const ThreadKey& thread, uint64_t address) {
  const auto& targets = selection_->targets();
  // A thread is no older than its process: an older one's process had the number before.
  const bool runs = std::any_of(targets.begin(), targets.end(), [&thread](const TargetInfo& target) {
    return target.pid == thread.tgid && target.state != TargetState::kEnded && thread.start_ns >= target.start_boottime_ns;
  });
  if (!runs || !*read_) return nullptr;
  const auto [known, first] = maps_.try_emplace(thread.tgid);
  if (first) {
    if (absl::StatusOr<ProcMaps> maps = (*read_)(thread.tgid); maps.ok()) known->second = *std::move(maps);
  }
  return known->second ? known->second->Find(address) : nullptr;
}

}  // namespace hftmon
