#include "common/perf/perf_address_spaces.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace hftmon {
namespace {

constexpr size_t kBytesBesideText = 64;  // about what keeping one costs
constexpr uint32_t kKernelPid = ~uint32_t{0};
constexpr uint64_t kKernelHalf = uint64_t{1} << 63;  // of x86 and of Arm, whatever the size of their pages

const MappedRange* FindIn(const std::map<uint64_t, std::shared_ptr<const MappedRange>>& space, uint64_t address) {
  auto after = space.upper_bound(address);
  if (after == space.begin()) return nullptr;
  const MappedRange* const range = std::prev(after)->second.get();
  return address < range->end ? range : nullptr;
}

// The part of a range from `start` to `end`.
std::shared_ptr<const MappedRange> PartOf(const MappedRange& range, uint64_t start, uint64_t end) {
  auto part = std::make_shared<MappedRange>(range);
  if (!range.kernel) part->file_offset += start - range.start;
  part->start = start;
  part->end = end;
  return part;
}

}  // namespace

void PerfAddressSpaces::Release(const std::shared_ptr<Space>& space) {
  if (space.use_count() == 1) mapping_count_ -= space->size();
}

// One that no other process sees; null: there is no room for it.
PerfAddressSpaces::Space* PerfAddressSpaces::Writable(uint32_t pid) {
  const auto found = spaces_.find(pid);
  if (found == spaces_.end()) {
    if (spaces_.size() >= limits_.processes) return nullptr;
    return spaces_.emplace(pid, std::make_shared<Space>()).first->second.get();
  }
  std::shared_ptr<Space>& space = found->second;
  if (space.use_count() > 1) {
    if (space->size() > limits_.mappings - mapping_count_ || space->size() > limits_.copied_mappings - copied_count_) return nullptr;
    mapping_count_ += space->size();
    copied_count_ += space->size();
    space = std::make_shared<Space>(*space);
  }
  return space.get();
}

// Takes away what lies between, and keeps what sticks out on either side.
void PerfAddressSpaces::Cut(Space* space, uint64_t start, uint64_t end) {
  auto at = space->lower_bound(start);
  if (at != space->begin() && std::prev(at)->second->end > start) --at;
  while (at != space->end() && at->first < end) {
    const std::shared_ptr<const MappedRange> old = at->second;
    at = space->erase(at);
    --mapping_count_;
    if (old->start < start) {
      space->emplace(old->start, PartOf(*old, old->start, start));
      ++mapping_count_;
    }
    if (old->end > end) {
      space->emplace(end, PartOf(*old, end, old->end));
      ++mapping_count_;
    }
  }
}

std::optional<std::string_view> PerfAddressSpaces::Keep(std::string_view text) {
  if (const auto kept = texts_.find(std::string(text)); kept != texts_.end()) return *kept;
  const size_t bytes = text.size() + kBytesBesideText;
  if (bytes > limits_.text_bytes - text_bytes_) return std::nullopt;
  text_bytes_ += bytes;
  return *texts_.emplace(text).first;
}

void PerfAddressSpaces::OnMapping(const PerfMapping& mapping) {
  if (mapping.bytes == 0) return;
  Space* const space = Writable(mapping.kernel ? kKernelPid : mapping.pid);
  const std::optional<std::string_view> name = Keep(mapping.name);
  const std::optional<std::string_view> build_id = Keep({reinterpret_cast<const char*>(mapping.build_id.data()), mapping.build_id.size()});
  // A mapping in the midst of another makes three of one.
  if (space == nullptr || !name.has_value() || !build_id.has_value() || space->size() + 2 > limits_.mappings_per_process ||
      mapping_count_ + 2 > limits_.mappings) {
    ++dropped_count_;
    return;
  }
  const uint64_t end = mapping.start + mapping.bytes;
  Cut(space, mapping.start, end);
  auto range = std::make_shared<MappedRange>();
  range->start = mapping.start;
  range->end = end;
  range->file_offset = mapping.file_offset;
  range->device_major = mapping.device_major;
  range->device_minor = mapping.device_minor;
  range->inode = mapping.inode;
  range->shared = mapping.shared;
  range->kernel = mapping.kernel;
  range->build_id = *build_id;
  range->name = *name;
  space->emplace(mapping.start, std::move(range));
  ++mapping_count_;
}

void PerfAddressSpaces::OnComm(const PerfComm& comm) {
  if (!comm.exec) return;
  const auto found = spaces_.find(comm.pid);
  if (found == spaces_.end()) return;
  Release(found->second);
  spaces_.erase(found);
}

void PerfAddressSpaces::OnFork(const PerfTask& task) {
  if (task.pid == task.parent_pid) return;
  const auto old = spaces_.find(task.pid);
  if (old != spaces_.end()) {
    Release(old->second);
    spaces_.erase(old);
  }
  const auto parent = spaces_.find(task.parent_pid);
  if (parent == spaces_.end()) return;
  if (spaces_.size() >= limits_.processes) {
    ++dropped_count_;
    return;
  }
  const std::shared_ptr<Space> shared = parent->second;  // emplace may move the table
  spaces_.emplace(task.pid, shared);
}

const MappedRange* PerfAddressSpaces::Find(uint32_t pid, uint64_t address) const {
  const auto space = spaces_.find((address & kKernelHalf) != 0 ? kKernelPid : pid);
  return space == spaces_.end() ? nullptr : FindIn(*space->second, address);
}

}  // namespace hftmon
