#include "daemon/os/proc_maps.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "absl/strings/str_cat.h"

namespace hftmon {
namespace {

std::optional<uint64_t> Hex(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The next word, and `rest` behind it and its spaces.
std::string_view TakeWord(std::string_view* rest) {
  const size_t end = std::min(rest->find(' '), rest->size());
  const std::string_view word = rest->substr(0, end);
  rest->remove_prefix(std::min(rest->find_first_not_of(' ', end), rest->size()));
  return word;
}

// "start-end perms offset major:minor inode   name", the name may hold spaces.
std::optional<ProcMapping> ParseLine(std::string_view line) {
  const std::string_view range = TakeWord(&line);
  const size_t dash = range.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view permissions = TakeWord(&line);
  const std::optional<uint64_t> start = Hex(range.substr(0, dash));
  const std::optional<uint64_t> end = Hex(range.substr(dash + 1));
  const std::optional<uint64_t> offset = Hex(TakeWord(&line));
  TakeWord(&line);
  TakeWord(&line);
  if (!start || !end || !offset || permissions.size() < 4 || *start >= *end) return std::nullopt;
  return ProcMapping{.start = *start,
                     .end = *end,
                     .shared = permissions[3] == 's',
                     .accessible = !permissions.starts_with("---"),
                     .executable = permissions[2] == 'x',
                     .file_offset = *offset,
                     .name = std::string(line)};
}

}  // namespace

absl::StatusOr<ProcMaps> ProcMaps::Read(const FileRoot& root, pid_t pid) {
  const absl::StatusOr<std::string> text = root.ReadFile(absl::StrCat("/proc/", pid, "/maps"), kBytesMax);
  if (!text.ok()) return text.status();
  return Parse(*text);
}

ProcMaps ProcMaps::Parse(std::string_view text) {
  ProcMaps maps;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (std::optional<ProcMapping> mapping = ParseLine(text.substr(0, end))) maps.mappings_.push_back(*std::move(mapping));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  std::sort(maps.mappings_.begin(), maps.mappings_.end(), [](const ProcMapping& a, const ProcMapping& b) { return a.start < b.start; });
  return maps;
}

const ProcMapping* ProcMaps::Find(uint64_t address) const {
  const auto above = std::upper_bound(mappings_.begin(), mappings_.end(), address,
                                      [](uint64_t value, const ProcMapping& mapping) { return value < mapping.start; });
  if (above == mappings_.begin()) return nullptr;
  const ProcMapping& mapping = *std::prev(above);
  return address < mapping.end ? &mapping : nullptr;
}

}  // namespace hftmon
