#include "daemon/os/boot_arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "common/cpu_list.h"
#include "daemon/os/proc_numbers.h"

namespace hftmon {
namespace {

constexpr std::string_view kSpace = " \t\n\r\v\f";

bool SameName(std::string_view a, std::string_view b) {
  const auto plain = [](char c) { return c == '-' ? '_' : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&plain](char x, char y) { return plain(x) == plain(y); });
}

// Without a quote at the begin, and then none at the end.
std::string_view Unquoted(std::string_view text) {
  if (!text.starts_with('"')) return text;
  text.remove_prefix(1);
  if (text.ends_with('"')) text.remove_suffix(1);
  return text;
}

// Cuts the next argument off `rest`, which does not begin with a blank.
std::string_view NextArgument(std::string_view* rest) {
  bool quoted = false;
  size_t end = 0;
  for (; end < rest->size() && (quoted || kSpace.find((*rest)[end]) == std::string_view::npos); ++end) {
    if ((*rest)[end] == '"') quoted = !quoted;
  }
  const std::string_view argument = rest->substr(0, end);
  rest->remove_prefix(end);
  return argument;
}

BootArgument SplitArgument(std::string_view text) {
  // "name=value with blanks" may be quoted as a whole, and name="value with blanks" in part.
  text = Unquoted(text);
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) return {.name = std::string(text), .value = std::nullopt};
  return {.name = std::string(text.substr(0, equals)), .value = std::string(Unquoted(text.substr(equals + 1)))};
}

struct CpuRange {
  int first = 0;
  int last = 0;
  int used = 1;  // of each group the first ones
  int group = 1;
};

// "3", "3-5", "3-5:1/2", "N", "all".
std::optional<CpuRange> ParseRange(std::string_view item, int cpu_count) {
  const auto number = [cpu_count](std::string_view text) {
    return text == "N" ? std::optional<int>(cpu_count - 1) : ParseNumber<int>(text);
  };
  CpuRange range;
  const size_t colon = item.find(':');
  const std::string_view cpus = item.substr(0, colon);
  const size_t dash = cpus.find('-');
  const std::optional<int> first = cpus == "all" ? 0 : number(cpus.substr(0, dash));
  const std::optional<int> last = cpus == "all" ? cpu_count - 1 : dash == std::string_view::npos ? first : number(cpus.substr(dash + 1));
  if (!first || !last || *first < 0 || *last < *first || *last >= cpu_count) return std::nullopt;
  range.first = *first;
  range.last = *last;
  if (colon == std::string_view::npos) return range;
  const std::string_view pattern = item.substr(colon + 1);
  const size_t slash = pattern.find('/');
  const std::optional<int> used = ParseNumber<int>(pattern.substr(0, slash));
  const std::optional<int> group = slash == std::string_view::npos ? std::nullopt : ParseNumber<int>(pattern.substr(slash + 1));
  if (!used || !group || *used < 0 || *group < 1 || *used > *group) return std::nullopt;
  range.used = *used;
  range.group = *group;
  return range;
}

}  // namespace

const BootArgument* BootArguments::Last(std::string_view name) const {
  const auto found = std::find_if(arguments.rbegin(), arguments.rend(), [name](const BootArgument& a) { return SameName(a.name, name); });
  return found == arguments.rend() ? nullptr : &*found;
}

BootArguments ParseBootArguments(std::string_view text) {
  BootArguments parsed;
  while (true) {
    const size_t begin = text.find_first_not_of(kSpace);
    if (begin == std::string_view::npos) return parsed;
    text.remove_prefix(begin);
    BootArgument argument = SplitArgument(NextArgument(&text));
    if (argument.name == "--" && !argument.value) return parsed;
    parsed.arguments.push_back(std::move(argument));
  }
}

absl::StatusOr<BootArguments> ReadBootArguments(const FileRoot& root) {
  const absl::StatusOr<std::string> text = root.ReadFile("/proc/cmdline");
  if (!text.ok()) return text.status();
  return ParseBootArguments(*text);
}

absl::StatusOr<std::vector<int>> ParseBootCpuList(std::string_view text, int cpu_count) {
  std::vector<bool> named(static_cast<size_t>(std::clamp(cpu_count, 0, kCpuNumberLimit)));
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    const std::string_view item = Trim(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    if (item.empty()) continue;
    const std::optional<CpuRange> range = ParseRange(item, static_cast<int>(named.size()));
    if (!range) {
      return absl::InvalidArgumentError(
          fmt::format("boot argument '{}': '{}' is not a range of the {} CPUs that this host may have: the kernel ignores the list",
                      text.substr(0, 256), item.substr(0, 64), named.size()));
    }
    for (int cpu = range->first; cpu <= range->last; ++cpu) {
      if ((cpu - range->first) % range->group < range->used) named[static_cast<size_t>(cpu)] = true;
    }
  }
  std::vector<int> cpus;
  for (size_t cpu = 0; cpu < named.size(); ++cpu) {
    if (named[cpu]) cpus.push_back(static_cast<int>(cpu));
  }
  return cpus;
}

absl::StatusOr<IsolatedCpusArgument> ParseIsolatedCpus(std::string_view value, int cpu_count) {
  IsolatedCpusArgument parsed;
  bool flagged = false;
  while (!value.empty() && std::isalpha(static_cast<unsigned char>(value.front())) != 0) {
    const size_t comma = value.find(',');
    const std::string_view flag = value.substr(0, comma);
    value = comma == std::string_view::npos ? std::string_view{} : value.substr(comma + 1);
    bool* known = flag == "domain" ? &parsed.domain : flag == "managed_irq" ? &parsed.managed_irq : flag == "nohz" ? &parsed.nohz : nullptr;
    if (known == nullptr) {
      parsed.unknown_flags.emplace_back(flag);
      continue;
    }
    *known = true;
    flagged = true;
  }
  parsed.domain = parsed.domain || !flagged;
  absl::StatusOr<std::vector<int>> cpus = ParseBootCpuList(value, cpu_count);
  if (!cpus.ok()) return cpus.status();
  parsed.cpus = *std::move(cpus);
  return parsed;
}

}  // namespace hftmon
