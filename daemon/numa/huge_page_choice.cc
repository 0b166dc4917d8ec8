#include "daemon/numa/huge_page_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace hftmon {
namespace {

constexpr size_t kHugeOrder = 9;   // 2^9 pages of 4 KiB
constexpr size_t kOrdersMax = 32;  // more than any kernel has
constexpr uint64_t kBlocksMax = uint64_t{1} << 40;

// The next word; empty at the end.
std::string_view TakeWord(std::string_view* line) {
  line->remove_prefix(std::min(line->find_first_not_of(" \t"), line->size()));
  const std::string_view word = line->substr(0, line->find_first_of(" \t"));
  line->remove_prefix(word.size());
  return word;
}

std::optional<uint64_t> Number(std::string_view word, uint64_t max) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc() || end != word.data() + word.size() || number > max) return std::nullopt;
  return number;
}

// Of the counts by order that follow the zone's name.
std::optional<uint64_t> HugeBlocksOf(std::string_view counts) {
  uint64_t blocks = 0;
  size_t order = 0;
  for (std::string_view word = TakeWord(&counts); !word.empty(); word = TakeWord(&counts), ++order) {
    const std::optional<uint64_t> count = Number(word, kBlocksMax);
    if (!count || order >= kOrdersMax) return std::nullopt;
    if (order >= kHugeOrder) blocks += std::min(*count << (order - kHugeOrder), kBlocksMax);
  }
  return order > kHugeOrder ? std::optional(blocks) : std::nullopt;
}

// "always defer [madvise] never": what stands in brackets.
std::string_view Chosen(std::string_view text) {
  const size_t begin = text.find('[');
  const size_t end = text.find(']');
  return begin == std::string_view::npos || end == std::string_view::npos || end < begin ? "" : text.substr(begin + 1, end - begin - 1);
}

}  // namespace

std::optional<uint64_t> FreeHugeBlocks(std::string_view buddyinfo, int node) {
  const std::string wanted = std::to_string(node) + ",";
  std::optional<uint64_t> blocks;
  while (!buddyinfo.empty()) {
    std::string_view line = buddyinfo.substr(0, buddyinfo.find('\n'));
    buddyinfo.remove_prefix(std::min(line.size() + 1, buddyinfo.size()));
    if (TakeWord(&line) != "Node" || TakeWord(&line) != wanted) continue;
    if (TakeWord(&line) != "zone" || TakeWord(&line).empty()) return std::nullopt;
    const std::optional<uint64_t> of_zone = HugeBlocksOf(line);
    if (!of_zone) return std::nullopt;
    blocks = blocks.value_or(0) + *of_zone;
  }
  return blocks;
}

SmallPages ChooseHugePages(std::string_view defrag, std::string_view buddyinfo, int node, uint64_t bytes) {
  const std::string_view chosen = Chosen(defrag);
  if (chosen.empty()) return SmallPages::kNotTold;
  // "defer+madvise" compacts for who asks, as "madvise" and "always" do.
  if (chosen == "never" || chosen == "defer") return SmallPages::kNone;
  const std::optional<uint64_t> blocks = FreeHugeBlocks(buddyinfo, node);
  if (!blocks) return SmallPages::kNotTold;
  const uint64_t needed = (bytes + kHugePageBytes - 1) / kHugePageBytes;
  return *blocks >= kFreeBlockTimes * needed ? SmallPages::kNone : SmallPages::kWouldCompact;
}

std::string SmallPagesReason(SmallPages why, int node) {
  switch (why) {
    case SmallPages::kNone:
      return {};
    case SmallPages::kWouldCompact:
      return fmt::format(
          "node {} has too few free blocks of 2 MiB (/proc/buddyinfo), and the kernel would have compacted memory for huge pages "
          "(transparent_hugepage/defrag is neither never nor defer)",
          node);
    case SmallPages::kNotTold:
      return "this kernel has no transparent huge pages, or does not tell whether it compacts memory for them";
    case SmallPages::kOtherSize:
      return "the pages of this kernel are not of 4 KiB, and its huge ones not of 2 MiB";
    case SmallPages::kNotGiven:
      return "huge pages were asked for, and not all of them came";
  }
  return {};
}

}  // namespace hftmon
