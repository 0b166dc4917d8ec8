#include "daemon/control/rule_selector.h"

#include <algorithm>
#include <array>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/cpu_list.h"

namespace hftmon {
namespace {

constexpr size_t kNameBytesMax = 255;
constexpr size_t kCgroupBytesMax = 4096;
constexpr size_t kShownBytes = 60;
constexpr std::array<std::string_view, 5> kUnitSuffixes = {".service", ".scope", ".slice", ".socket", ".mount"};

const char* KindName(RuleSelector::Kind kind) {
  switch (kind) {
    case RuleSelector::Kind::kName:
      return "name";
    case RuleSelector::Kind::kCgroup:
      return "cgroup";
    case RuleSelector::Kind::kUnit:
      return "unit";
    case RuleSelector::Kind::kCpus:
      return "CPUs";
  }
  return "";
}

absl::Status Refused(RuleSelector::Kind kind, std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrFormat("%s \"%s\": %s", KindName(kind), absl::CHexEscape(std::string(text.substr(0, kShownBytes))), why));
}

absl::Status CheckText(RuleSelector::Kind kind, std::string_view text) {
  const size_t limit = kind == RuleSelector::Kind::kCgroup || kind == RuleSelector::Kind::kCpus ? kCgroupBytesMax : kNameBytesMax;
  if (text.empty()) return Refused(kind, text, "it is empty: say what to look for");
  if (text.size() > limit) return Refused(kind, text, absl::StrCat("it has ", text.size(), " bytes: give at most ", limit));
  const bool has_slash = text.find('/') != std::string_view::npos;
  if (kind == RuleSelector::Kind::kName && has_slash) return Refused(kind, text, "a name has no '/': give the last part of the path");
  if (kind == RuleSelector::Kind::kUnit && has_slash) return Refused(kind, text, "a unit's name has no '/': for a path use a cgroup");
  if (std::any_of(text.begin(), text.end(), [](char c) { return c == '\0' || c == '\n'; })) {
    return Refused(kind, text, "it holds a zero byte or a newline: leave them out");
  }
  return absl::OkStatus();
}

std::string NormalCgroup(std::string_view text) {
  while (text.ends_with('/')) text.remove_suffix(1);
  while (text.starts_with("//")) text.remove_prefix(1);
  return text.starts_with('/') ? std::string(text) : "/" + std::string(text);
}

std::string NormalUnit(std::string_view text) {
  const bool has_suffix = std::any_of(kUnitSuffixes.begin(), kUnitSuffixes.end(), [text](auto suffix) { return text.ends_with(suffix); });
  return std::string(text) + (has_suffix ? "" : ".service");
}

}  // namespace

absl::StatusOr<RuleSelector> MakeRuleSelector(RuleSelector::Kind kind, std::string_view text) {
  if (absl::Status status = CheckText(kind, text); !status.ok()) return status;
  RuleSelector selector{.kind = kind, .text = std::string(text)};
  switch (kind) {
    case RuleSelector::Kind::kName:
      break;
    case RuleSelector::Kind::kCgroup:
      selector.text = NormalCgroup(text);
      if (selector.text == "/") return Refused(kind, text, "every process is in the root: name a cgroup below it");
      break;
    case RuleSelector::Kind::kUnit:
      selector.text = NormalUnit(text);
      break;
    case RuleSelector::Kind::kCpus: {
      absl::StatusOr<std::vector<int>> cpus = ParseCpuList(text);
      if (!cpus.ok()) return cpus.status();
      if (cpus->empty()) return Refused(kind, text, "no CPU is named: give a list such as 2-5,8");
      selector.cpus = *std::move(cpus);
      selector.text = FormatCpuList(selector.cpus);
      break;
    }
  }
  return selector;
}

std::string DescribeRule(const RuleSelector& selector) {
  return absl::StrCat(KindName(selector.kind), " ", selector.text);
}

bool CommMatches(const RuleSelector& selector, std::string_view comm) {
  return selector.kind == RuleSelector::Kind::kName && comm == std::string_view(selector.text).substr(0, kCommBytesMax);
}

bool CgroupMatches(const RuleSelector& selector, const std::vector<std::string>& paths) {
  const std::string wanted = selector.kind == RuleSelector::Kind::kUnit ? absl::StrCat("/", selector.text) : selector.text;
  return std::any_of(paths.begin(), paths.end(), [&](const std::string& path) {
    if (selector.kind == RuleSelector::Kind::kCgroup) {
      return path.starts_with(wanted) && (path.size() == wanted.size() || path[wanted.size()] == '/');
    }
    for (size_t at = path.find(wanted); at != std::string::npos; at = path.find(wanted, at + 1)) {
      const size_t end = at + wanted.size();
      if (end == path.size() || path[end] == '/') return true;
    }
    return false;
  });
}

}  // namespace hftmon
