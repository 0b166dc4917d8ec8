#include "daemon/os/proc_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "daemon/os/file_root.h"
#include "daemon/os/proc_numbers.h"

namespace hftmon {
namespace {

// The value of "Key:\tvalue".
std::optional<std::string_view> Field(std::string_view text, std::string_view key) {
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    // The kernel writes no blank before the colon, and one tab after it; a name may contain anything else.
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ':') {
      std::string_view value = line.substr(key.size() + 1);
      if (value.starts_with('\t')) value.remove_prefix(1);
      return value;
    }
    begin = end + 1;
  }
  return std::nullopt;
}

template <typename Number>
absl::Status ReadField(std::string_view text, std::string_view key, Number* out) {
  const std::optional<std::string_view> value = Field(text, key);
  const std::optional<Number> number = value ? ParseNumber<Number>(Trim(*value)) : std::nullopt;
  if (!number) return absl::InvalidArgumentError(fmt::format("/proc status: field {} is missing or not a number", key));
  *out = *number;
  return absl::OkStatus();
}

// "NSpid:\t4711\t7": what follows the first.
std::vector<int32_t> InnerNumbers(std::string_view text, std::string_view key) {
  std::vector<int32_t> numbers;
  std::string_view rest = Field(text, key).value_or("");
  for (size_t tab = rest.find('\t'); tab != std::string_view::npos; tab = rest.find('\t')) {
    rest.remove_prefix(tab + 1);
    const std::optional<int32_t> number = ParseNumber<int32_t>(Trim(rest.substr(0, rest.find('\t'))));
    if (!number) return {};
    numbers.push_back(*number);
  }
  return numbers;
}

}  // namespace

NamespaceNumbers ParseNamespaceNumbers(std::string_view text) {
  return {.pids = InnerNumbers(text, "NStgid"), .tids = InnerNumbers(text, "NSpid")};
}

absl::StatusOr<ProcStatus> ParseProcStatus(std::string_view text) {
  ProcStatus status;
  const std::optional<std::string_view> name = Field(text, "Name");
  if (!name) return absl::InvalidArgumentError("/proc status: field Name is missing");
  status.name = *name;
  for (const absl::Status& read :
       {ReadField(text, "Tgid", &status.tgid), ReadField(text, "Pid", &status.pid), ReadField(text, "PPid", &status.parent_pid),
        ReadField(text, "Threads", &status.thread_count), ReadField(text, "voluntary_ctxt_switches", &status.voluntary_count),
        ReadField(text, "nonvoluntary_ctxt_switches", &status.involuntary_count)}) {
    if (!read.ok()) return read;
  }
  return status;
}

}  // namespace hftmon
