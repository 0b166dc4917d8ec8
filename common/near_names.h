// Names that an unknown one may have meant. Pure, any thread.
#ifndef HFTMON_COMMON_NEAR_NAMES_H_
#define HFTMON_COMMON_NEAR_NAMES_H_

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace hftmon {

// At most `limit` of `known`, nearest first: small edit distance, or the name is a part of them. None for an empty name, and for one of
// more than 128 bytes: what comes from outside bounds neither time nor memory.
std::vector<std::string_view> NearNames(std::string_view name, std::span<const std::string_view> known, size_t limit);

}  // namespace hftmon

#endif  // HFTMON_COMMON_NEAR_NAMES_H_
