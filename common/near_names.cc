#include "common/near_names.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace hftmon {
namespace {

constexpr size_t kNameLengthMax = 128;
constexpr size_t kPartLengthMin = 3;

// Levenshtein distance; names are short and few.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

}  // namespace

std::vector<std::string_view> NearNames(std::string_view name, std::span<const std::string_view> known, size_t limit) {
  if (name.empty() || name.size() > kNameLengthMax) return {};
  std::vector<std::pair<size_t, std::string_view>> near;
  for (const std::string_view candidate : known) {
    const size_t distance = EditDistance(name, candidate);
    const bool part = name.size() >= kPartLengthMin && candidate.find(name) != std::string_view::npos;
    if (part || distance <= std::max<size_t>(2, name.size() / 4)) near.emplace_back(distance, candidate);
  }
  std::sort(near.begin(), near.end());
  if (near.size() > limit) near.resize(limit);
  std::vector<std::string_view> names;
  names.reserve(near.size());
  for (const auto& [distance, candidate] : near) names.push_back(candidate);
  return names;
}

}  // namespace hftmon
