#include "daemon/control/rule_selector.h"

#include <algorithm>
#include <array>
#include <span>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/cpu_list.h"

namespace hftmon {
namespace {

constexpr size_t kNameBytesMax = 255;
constexpr size_t kCgroupBytesMax = 4096;
constexpr size_t kShownBytes = 60;
constexpr std::array<std::string_view, 6> kUnitSuffixes = {".service", ".scope", ".slice", ".socket", ".mount", ".swap"};
constexpr std::array<std::string_view, 5> kSuffixesWithoutProcesses = {".timer", ".target", ".path", ".device", ".automount"};
constexpr std::string_view kUnitMarks = ":-_.\\@";  // beside letters and digits; the backslash escapes all else

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

// A path that /proc/PID/cgroup never shows would wait for ever. It shows ".." at the beginning alone: to a daemon in a cgroup namespace,
// for what lies outside of that.
absl::Status CheckCgroup(std::string_view text) {
  constexpr auto kKind = RuleSelector::Kind::kCgroup;
  std::string_view parts = text;
  parts.remove_prefix(parts.starts_with('/') ? 1 : 0);
  parts.remove_suffix(parts.ends_with('/') ? 1 : 0);
  bool above = true;
  for (const std::string& part : std::vector<std::string>(absl::StrSplit(std::string(parts), '/'))) {
    above = above && part == "..";
    if (part.empty()) return Refused(kKind, text, "it has an empty part (//), which no cgroup's path has: write each '/' once");
    if (part == "." || (part == ".." && !above)) {
      return Refused(kKind, text, absl::StrCat("no cgroup is named \"", part, "\": give the path as /proc/PID/cgroup shows it"));
    }
    if (part.size() > kNameBytesMax) {
      return Refused(kKind, text, absl::StrCat("a part has ", part.size(), " bytes: the name of a cgroup has at most ", kNameBytesMax));
    }
  }
  return absl::OkStatus();
}

std::string NormalCgroup(std::string_view text) {
  if (text.size() > 1 && text.ends_with('/')) text.remove_suffix(1);
  return text.starts_with('/') ? std::string(text) : "/" + std::string(text);
}

bool EndsWithOneOf(std::string_view text, std::span<const std::string_view> suffixes) {
  return std::any_of(suffixes.begin(), suffixes.end(), [text](auto suffix) { return text.ends_with(suffix); });
}

std::string NormalUnit(std::string_view text) {
  return std::string(text) + (EndsWithOneOf(text, kUnitSuffixes) ? "" : ".service");
}

// What systemd would not accept as a unit's name, or gives no cgroup.
absl::Status CheckUnit(std::string_view text, std::string_view normal) {
  constexpr auto kKind = RuleSelector::Kind::kUnit;
  if (!std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isalnum(c) || kUnitMarks.find(c) != kUnitMarks.npos; })) {
    return Refused(kKind, text,
                   absl::StrCat("a unit's name has letters, digits and ", std::string(kUnitMarks), " only (`systemctl` shows it)"));
  }
  if (normal.size() > kNameBytesMax) {
    return Refused(kKind, text,
                   absl::StrCat("with its suffix it has ", normal.size(), " bytes: a unit's name has at most ", kNameBytesMax));
  }
  if (EndsWithOneOf(text, kSuffixesWithoutProcesses)) {
    return Refused(kKind, text, "units of this kind have no processes of their own: name the service that it starts");
  }
  if (normal.find("@.") != std::string_view::npos) {
    return Refused(kKind, text,
                   "it is a template, of which instances run: name one, e.g. matcher@1.service, or use --cgroup of their slice");
  }
  if (normal.starts_with('.') || normal.starts_with('@')) return Refused(kKind, text, "the name before its suffix is empty: name the unit");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RuleSelector> MakeRuleSelector(RuleSelector::Kind kind, std::string_view text) {
  if (absl::Status status = CheckText(kind, text); !status.ok()) return status;
  RuleSelector selector{.kind = kind, .text = std::string(text)};
  switch (kind) {
    case RuleSelector::Kind::kName:
      break;
    case RuleSelector::Kind::kCgroup:
      if (text.find_first_not_of('/') == std::string_view::npos) {
        return Refused(kind, text, "every process is in the root: name a cgroup below it");
      }
      if (absl::Status status = CheckCgroup(text); !status.ok()) return status;
      selector.text = NormalCgroup(text);
      break;
    case RuleSelector::Kind::kUnit:
      selector.text = NormalUnit(text);
      if (absl::Status status = CheckUnit(text, selector.text); !status.ok()) return status;
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
