// MappedPlace: what lay at an address when it was accessed; PlaceBook: of many of them. One thread.
#ifndef HFTMON_CLIENT_CLI_IMPORT_MAPPED_PLACE_H_
#define HFTMON_CLIENT_CLI_IMPORT_MAPPED_PLACE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "common/perf/perf_address_spaces.h"

namespace hftmon {

struct MappedPlace {
  std::string mapping;
  uint64_t file_offset = 0;  // of no meaning where `kernel`: there perf writes other things
  bool kernel = false;
  std::string build_id;               // bytes, as recorded: NULs at its end may be filling; empty: not told
  bool build_id_ambiguous = false;    // not told, because files of that name differ
  std::optional<std::string> symbol;  // "engine::Match()+0x12"; absent until NameSymbols, and where it finds none
};

// `range` holds the address. The build id is the mapping's own.
inline MappedPlace PlaceIn(const MappedRange& range, uint64_t address) {
  return {.mapping = std::string(range.name),
          .file_offset = range.file_offset + (address - range.start),
          .kernel = range.kernel,
          .build_id = std::string(range.build_id),
          .symbol = {}};
}

// The place of each key, as of the times at which it was accessed. Bound: kPlacesMax keys; what finds no room is counted.
template <typename Key>
class PlaceBook {
 public:
  static constexpr size_t kPlacesMax = 262'144;

  // Null: nothing known is mapped there.
  void Note(const Key& key, uint64_t address, const MappedRange* range) {
    if (range == nullptr) return;
    const auto found = places_.find(key);
    if (found == places_.end()) {
      if (places_.size() < kPlacesMax) {
        places_.emplace(key, PlaceIn(*range, address));
      } else {
        ++dropped_count_;
      }
      return;
    }
    std::optional<MappedPlace>& place = found->second;
    if (!place || (place->mapping == range->name && place->file_offset == range->file_offset + (address - range->start))) return;
    place.reset();
    ++changed_count_;
  }
  // Absent too where it was another one's at another time.
  std::optional<MappedPlace> Find(const Key& key) const {
    const auto found = places_.find(key);
    return found == places_.end() ? std::nullopt : found->second;
  }

  uint64_t changed_count() const { return changed_count_; }  // keys whose place changed
  uint64_t dropped_count() const { return dropped_count_; }  // accesses of keys for which there was no room

 private:
  absl::flat_hash_map<Key, std::optional<MappedPlace>> places_;
  uint64_t changed_count_ = 0;
  uint64_t dropped_count_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_IMPORT_MAPPED_PLACE_H_
