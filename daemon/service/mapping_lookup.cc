#include "daemon/service/mapping_lookup.h"

namespace hftmon {

const ProcMapping* MappingLookup::Find(const ThreadKey& thread, uint64_t address) {
  if (!*read_ || !selection_->Runs(thread)) return nullptr;
  const auto [known, first] = maps_.try_emplace(thread.tgid);
  if (first) {
    if (absl::StatusOr<ProcMaps> maps = (*read_)(thread.tgid); maps.ok()) known->second = *std::move(maps);
  }
  return known->second ? known->second->Find(address) : nullptr;
}

}  // namespace hftmon
