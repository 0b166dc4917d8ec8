#include "daemon/os/host_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "common/cpu_list.h"
#include "daemon/os/proc_numbers.h"

namespace hftmon {
namespace {

// A file that the pattern of a row leads to.
struct SettingFile {
  std::string path;
  std::vector<std::string> matched;
};

// What the '#' or '*' of `part` stands for in `name`; absent: it is no such name.
std::optional<std::string> MatchOf(std::string_view part, std::string_view name) {
  const size_t at = part.find_first_of("#*");
  const std::string_view begin = part.substr(0, at);
  const std::string_view end = part.substr(at + 1);
  if (name.size() <= begin.size() + end.size() || !name.starts_with(begin) || !name.ends_with(end)) return std::nullopt;
  const std::string_view match = name.substr(begin.size(), name.size() - begin.size() - end.size());
  const bool is_number = ParseNumber<uint32_t>(match).has_value();
  return part[at] == '*' || is_number ? std::optional<std::string>(match) : std::nullopt;
}

std::vector<SettingFile> WithPart(const FileRoot& root, const std::vector<SettingFile>& folders, std::string_view part) {
  std::vector<SettingFile> found;
  for (const SettingFile& folder : folders) {
    if (part.find_first_of("#*") == std::string_view::npos) {
      found.push_back({.path = fmt::format("{}/{}", folder.path, part), .matched = folder.matched});
      continue;
    }
    const auto names = root.List(folder.path);
    if (!names.ok()) continue;
    const size_t first = found.size();
    for (const std::string& name : *names) {
      const std::optional<std::string> match = MatchOf(part, name);
      if (!match) continue;
      found.push_back({.path = fmt::format("{}/{}", folder.path, name), .matched = folder.matched});
      found.back().matched.push_back(*match);
    }
    if (part.find('#') == std::string_view::npos) continue;
    const auto number = [](const SettingFile& file) { return *ParseNumber<uint32_t>(file.matched.back()); };
    std::sort(found.begin() + static_cast<std::ptrdiff_t>(first), found.end(),
              [&number](const SettingFile& a, const SettingFile& b) { return number(a) < number(b); });
  }
  return found;
}

std::vector<SettingFile> FilesOf(const FileRoot& root, std::string_view pattern) {
  std::vector<SettingFile> files(1);
  for (std::string_view rest = pattern.substr(1); !rest.empty();) {
    const size_t slash = rest.find('/');
    files = WithPart(root, files, rest.substr(0, slash));
    rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
  }
  std::erase_if(files, [&root](const SettingFile& file) { return !root.Exists(file.path); });
  return files;
}

absl::StatusOr<SettingValue> BracketedWord(std::string_view text) {
  const size_t open = text.find('[');
  const size_t close = open == std::string_view::npos ? open : text.find(']', open);
  const bool is_one = close != std::string_view::npos && close > open + 1 && text.find('[', open + 1) == std::string_view::npos;
  if (!is_one) return absl::InvalidArgumentError(fmt::format("'{}' has no word in brackets", text.substr(0, 256)));
  return SettingValue(std::string(text.substr(open + 1, close - open - 1)));
}

absl::StatusOr<SettingValue> Cpus(absl::StatusOr<std::vector<int>> cpus) {
  if (!cpus.ok()) return cpus.status();
  return SettingValue(*std::move(cpus));
}

}  // namespace

absl::StatusOr<SettingValue> ParseSetting(SettingForm form, std::string_view text) {
  text = Trim(text);
  switch (form) {
    case SettingForm::kNumber: {
      const std::optional<int64_t> number = ParseNumber<int64_t>(text);
      if (!number) return absl::InvalidArgumentError(fmt::format("'{}' is no number", text.substr(0, 256)));
      return absl::StatusOr<SettingValue>(absl::in_place, *number);
    }
    case SettingForm::kText:
      if (text.empty() || text.size() > kSettingTextMax)
        return absl::InvalidArgumentError(fmt::format("{} bytes are no setting", text.size()));
      return SettingValue(std::string(text));
    case SettingForm::kBracketedWord:
      return BracketedWord(text);
    case SettingForm::kCpuList:
      return text == "(null)" ? SettingValue(std::vector<int>()) : Cpus(ParseCpuList(text));
    case SettingForm::kCpuMask:
      return Cpus(ParseCpuMask(text));
  }
  return absl::InvalidArgumentError("a form that no row has");
}

HostSettings ReadHostSettings(const FileRoot& root, std::span<const SettingRow> rows, size_t files_max) {
  HostSettings read;
  for (const SettingRow& row : rows) {
    std::vector<SettingFile> files = FilesOf(root, row.path);
    if (files.empty()) {
      read.unread.push_back({.row = &row, .path = std::string(row.path), .reason = "this host has no such file", .absent = true});
    }
    if (files.size() > files_max) {
      read.left_out_count += files.size() - files_max;
      files.resize(files_max);
    }
    for (SettingFile& file : files) {
      const absl::StatusOr<std::string> text = root.ReadFile(file.path);
      absl::StatusOr<SettingValue> value = text.ok() ? ParseSetting(row.form, *text) : text.status();
      if (value.ok()) {
        read.settings.push_back(
            {.row = &row, .path = std::move(file.path), .matched = std::move(file.matched), .value = *std::move(value)});
      } else {
        read.unread.push_back({.row = &row,
                               .path = std::move(file.path),
                               .reason = std::string(value.status().message()),
                               .absent = absl::IsNotFound(text.status())});
      }
    }
  }
  return read;
}

}  // namespace hftmon
