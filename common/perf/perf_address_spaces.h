// PerfAddressSpaces: what is mapped where in the processes of a recording, and which file an address of theirs lies in. Fed with the
// records in the order in which they come: what it answers holds after the last one told. One thread.
//
// A process that has ended keeps its mappings until its number is taken again. Bounded: what finds no room is counted.
#ifndef HFTMON_COMMON_PERF_PERF_ADDRESS_SPACES_H_
#define HFTMON_COMMON_PERF_PERF_ADDRESS_SPACES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "common/perf/perf_task_records.h"

namespace hftmon {

struct MappedRange {
  uint64_t start = 0;
  uint64_t end = 0;          // the first byte beyond
  uint64_t file_offset = 0;  // of start; the kernel's is what perf wrote, the address of a reference symbol, and no offset in a file
  uint32_t device_major = 0, device_minor = 0;
  std::optional<uint64_t> inode;
  bool shared = false;
  bool kernel = false;
  // Of the spaces' own memory, valid as long as they are.
  std::string_view build_id;  // bytes
  std::string_view name;      // bytes of the file: a path, "[heap]", "//anon", "[kernel.kallsyms]_text"
};

struct AddressSpaceLimits {
  size_t mappings_per_process = 65'536;  // the kernel's own default
  size_t mappings = 1u << 20;            // of all
  size_t processes = 1u << 20;
  size_t text_bytes = 64u << 20;       // of all names and build ids, each once, and what keeping them costs
  size_t copied_mappings = 16u << 20;  // ever, where parent and child go their own ways: beyond, what both see stays as it is
};

class PerfAddressSpaces {
 public:
  explicit PerfAddressSpaces(const AddressSpaceLimits& limits = {}) : limits_(limits) {}

  void OnMapping(const PerfMapping& mapping);  // over what was there before
  void OnComm(const PerfComm& comm);           // an exec empties the space
  void OnFork(const PerfTask& task);           // a new process begins with its parent's mappings; a new thread is no news

  // Null: nothing known is mapped there. Addresses of the upper half are the kernel's, whatever the process, and no others are, though perf
  // may tell of the kernel as mapped from 0 on. Valid until the next record.
  const MappedRange* Find(uint32_t pid, uint64_t address) const;
  uint64_t dropped_count() const { return dropped_count_; }

 private:
  using Space = std::map<uint64_t, std::shared_ptr<const MappedRange>>;

  Space* Writable(uint32_t pid);
  void Release(const std::shared_ptr<Space>& space);
  void Cut(Space* space, uint64_t start, uint64_t end);
  std::optional<std::string_view> Keep(std::string_view text);  // no value: there is no room for it

  const AddressSpaceLimits limits_;
  std::unordered_map<uint32_t, std::shared_ptr<Space>> spaces_;  // shared between parent and child until one of them maps
  std::unordered_set<std::string> texts_;
  size_t text_bytes_ = 0;
  size_t mapping_count_ = 0;
  size_t copied_count_ = 0;
  uint64_t dropped_count_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_PERF_ADDRESS_SPACES_H_
