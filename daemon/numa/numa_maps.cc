#include "daemon/numa/numa_maps.h"

#include <algorithm>
#include <charconv>

#include "daemon/os/proc_numbers.h"

namespace hftmon {
namespace {

constexpr std::string_view kFile = "file=";
// No address space has more pages, nor a page more bytes: sums of them stay in range.
constexpr uint64_t kPagesMax = uint64_t{1} << 52;
constexpr int64_t kPageKilobytesMax = int64_t{1} << 32;

struct KeyNumber {
  std::string_view key;
  uint64_t number = 0;
};

std::optional<KeyNumber> AsKeyNumber(std::string_view word) {
  const size_t equals = word.find('=');
  if (equals == 0 || equals == std::string_view::npos) return std::nullopt;
  const auto number = ParseNumber<uint64_t>(word.substr(equals + 1));
  if (!number) return std::nullopt;
  return KeyNumber{.key = word.substr(0, equals), .number = *number};
}

bool EndsPolicy(std::string_view word) {
  return word == "heap" || word == "stack" || word == "huge" || word.starts_with(kFile) || AsKeyNumber(word).has_value();
}

// False: a number that no kernel writes.
bool TakeNumber(const KeyNumber& pair, NumaMapsLine* line) {
  if (pair.key == "mapmax") {
    line->mapper_count = pair.number;
  } else if (pair.key == "kernelpagesize_kB") {
    if (pair.number == 0 || pair.number > kPageKilobytesMax) return false;
    line->page_bytes = static_cast<int64_t>(pair.number) * 1024;
  } else if (pair.key.size() > 1 && pair.key[0] == 'N') {
    const auto node = ParseNumber<int>(pair.key.substr(1));
    if (!node) return true;  // another word that begins so
    if (*node < 0 || *node >= kNodesMax || pair.number > kPagesMax) return false;
    // In order of number, each once: else the sum would be more than there is.
    if (!line->nodes.empty() && line->nodes.back().node >= *node) return false;
    line->nodes.push_back({.node = *node, .pages = pair.number});
  }
  return true;
}

std::optional<NumaMapsLine> ParseLine(std::string_view text) {
  NumaMapsLine line{.mapper_count = 1};
  const std::string_view address = NextWord(&text);
  const auto [end, error] = std::from_chars(address.data(), address.data() + address.size(), line.start, 16);
  if (address.empty() || error != std::errc() || end != address.data() + address.size()) return std::nullopt;
  std::string_view word = NextWord(&text);
  for (; !word.empty() && !EndsPolicy(word); word = NextWord(&text)) {
    if (!line.policy.empty()) line.policy += ' ';
    line.policy += word;
  }
  if (line.policy.empty()) return std::nullopt;
  for (; !word.empty(); word = NextWord(&text)) {
    if (word.starts_with(kFile)) {
      line.name = PlainName(word.substr(kFile.size()));
    } else if (word == "huge") {
      line.huge = true;
    } else if (const auto pair = AsKeyNumber(word); pair && !TakeNumber(*pair, &line)) {
      return std::nullopt;
    }
  }
  return line;
}

bool IsOctal(char c) {
  return c >= '0' && c <= '7';
}

}  // namespace

NumaMaps ParseNumaMaps(std::string_view text) {
  NumaMaps maps;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (maps.lines.size() == kPlacedMappingsMax) {
      maps.truncated = true;
      return maps;
    }
    if (std::optional<NumaMapsLine> parsed = ParseLine(line)) {
      maps.lines.push_back(*std::move(parsed));
    } else {
      ++maps.bad_line_count;
    }
  }
  return maps;
}

std::string PlainName(std::string_view escaped) {
  std::string plain;
  plain.reserve(escaped.size());
  for (size_t i = 0; i < escaped.size(); ++i) {
    const std::string_view digits = escaped.substr(i, 4);
    if (digits.size() == 4 && digits[0] == '\\' && digits[1] <= '3' && std::all_of(digits.begin() + 1, digits.end(), IsOctal)) {
      plain += static_cast<char>((digits[1] - '0') * 64 + (digits[2] - '0') * 8 + (digits[3] - '0'));
      i += 3;
    } else {
      plain += escaped[i];
    }
  }
  return plain;
}

}  // namespace hftmon
