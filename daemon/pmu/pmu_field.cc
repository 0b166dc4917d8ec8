#include "daemon/pmu/pmu_field.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <optional>

#include "daemon/os/file_root.h"
#include "daemon/os/proc_numbers.h"

namespace hftmon {
namespace {

constexpr std::array<std::string_view, PmuField::kWords> kWordNames = {"config", "config1", "config2", "config3"};
constexpr int kWordBits = 64;

uint64_t LowBits(int width) {
  return width >= kWordBits ? ~uint64_t{0} : (uint64_t{1} << width) - 1;
}

uint64_t* WordOf(EventEncoding* encoding, int word) {
  const std::array<uint64_t*, PmuField::kWords> words = {&encoding->config, &encoding->config1, &encoding->config2, &encoding->config3};
  return words.at(static_cast<size_t>(word));
}

std::optional<PmuField::Bits> ParseBits(std::string_view text) {
  const size_t dash = text.find('-');
  const auto low = ParseNumber<int>(text.substr(0, dash));
  const auto high = dash == std::string_view::npos ? low : ParseNumber<int>(text.substr(dash + 1));
  if (!low || !high || *low < 0 || *high < *low || *high >= kWordBits) return std::nullopt;
  return PmuField::Bits{*low, *high};
}

}  // namespace

int PmuField::width() const {
  int sum = 0;
  for (const Bits& range : bits) sum += range.high - range.low + 1;
  return sum;
}

uint64_t PmuField::mask() const {
  uint64_t mask = 0;
  for (const Bits& range : bits) mask |= LowBits(range.high - range.low + 1) << range.low;
  return mask;
}

uint64_t PmuField::value_max() const {
  return LowBits(width());
}

void PmuField::Put(uint64_t value, EventEncoding* encoding) const {
  uint64_t* place = WordOf(encoding, word);
  for (const Bits& range : bits) {
    const int range_width = range.high - range.low + 1;
    const uint64_t mask = LowBits(range_width);
    *place = (*place & ~(mask << range.low)) | ((value & mask) << range.low);
    value = range_width >= kWordBits ? 0 : value >> range_width;
  }
}

absl::StatusOr<PmuField> ParsePmuField(std::string_view text) {
  text = Trim(text);
  const auto bad = [text](std::string_view why) {
    return absl::InvalidArgumentError(fmt::format("format '{}': {}", text.substr(0, 64), why));
  };
  const size_t colon = text.find(':');
  PmuField field{.word = -1};
  for (size_t i = 0; i < kWordNames.size(); ++i) {
    if (text.substr(0, colon) == kWordNames[i]) field.word = static_cast<int>(i);
  }
  if (field.word < 0) return bad("not config, config1, config2 or config3");
  // Without a colon the whole word is meant.
  if (colon == std::string_view::npos) {
    field.bits.push_back({0, kWordBits - 1});
    return field;
  }
  uint64_t used = 0;
  for (std::string_view rest = text.substr(colon + 1);;) {
    const size_t comma = rest.find(',');
    const auto range = ParseBits(rest.substr(0, comma));
    if (!range) return bad("bits are LOW-HIGH, 0 to 63");
    const uint64_t mask = LowBits(range->high - range->low + 1) << range->low;
    if ((used & mask) != 0) return bad("a bit stands twice");
    used |= mask;
    field.bits.push_back(*range);
    if (comma == std::string_view::npos) return field;
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace hftmon
