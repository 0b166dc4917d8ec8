#include "daemon/access_places.h"

namespace hftmon {
namespace {

constexpr uint64_t kKernelHalf = uint64_t{1} << 63;

std::optional<AddressPlace> PlaceIn(const std::optional<ProcMaps>& maps, uint64_t address) {
  const ProcMapping* const mapping = maps ? maps->Find(address) : nullptr;
  if (mapping == nullptr) return std::nullopt;
  const bool of_file = mapping->name.starts_with('/');
  return AddressPlace{.mapping = mapping->name.empty() ? "[anonymous]" : mapping->name,
                      .offset = address - mapping->start + (of_file ? mapping->file_offset : 0)};
}

// Of what grows or is cut at its begin (a stack, two anonymous mappings that became one) the offsets differ: the names tell.
bool IsSame(const AddressPlace& before, const AddressPlace& after) {
  return before.mapping == after.mapping && (!before.mapping.starts_with('/') || before.offset == after.offset);
}

}  // namespace

std::optional<AddressPlace> PlaceOf(const AccessMappings& mappings, uint64_t address) {
  if (address >= kKernelHalf) return AddressPlace{.mapping = "[kernel]", .kernel = true};
  std::optional<AddressPlace> before = PlaceIn(mappings.before, address);
  std::optional<AddressPlace> after = PlaceIn(mappings.after, address);
  if (!before || !after) return after ? after : before;
  return IsSame(*before, *after) ? after : std::nullopt;
}

std::vector<LinePlaces> PlacesOf(const AccessMappings& mappings, const std::vector<ContendedLine>& lines) {
  std::vector<LinePlaces> places;
  places.reserve(lines.size());
  for (const ContendedLine& line : lines) {
    LinePlaces& one = places.emplace_back(LinePlaces{.data = PlaceOf(mappings, line.address), .code = {}});
    for (const LineSite& site : line.sites) one.code.push_back(PlaceOf(mappings, site.code_address));
  }
  return places;
}

}  // namespace hftmon
