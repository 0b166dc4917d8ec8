#include "daemon/os/proc_statm.h"

#include <fmt/format.h>

#include <optional>

#include "daemon/os/proc_numbers.h"

namespace hftmon {

absl::StatusOr<ProcStatm> ParseProcStatm(std::string_view text) {
  std::string_view rest = text;
  const std::optional<int64_t> size_pages = ParseNumber<int64_t>(NextWord(&rest));
  const std::optional<int64_t> resident_pages = ParseNumber<int64_t>(NextWord(&rest));
  if (!size_pages || !resident_pages) {
    return absl::InvalidArgumentError(fmt::format("/proc statm: '{}' does not begin with two numbers", text.substr(0, 64)));
  }
  return ProcStatm{.size_pages = *size_pages, .resident_pages = *resident_pages};
}

}  // namespace hftmon
