#include "daemon/os/proc_schedstat.h"

#include <fmt/format.h>

#include <optional>

#include "daemon/os/proc_numbers.h"

namespace hftmon {

absl::StatusOr<ProcSchedstat> ParseProcSchedstat(std::string_view text) {
  std::string_view rest = text;
  const std::optional<uint64_t> run_ns = ParseNumber<uint64_t>(NextWord(&rest));
  const std::optional<uint64_t> run_delay_ns = ParseNumber<uint64_t>(NextWord(&rest));
  const std::optional<uint64_t> timeslices = ParseNumber<uint64_t>(NextWord(&rest));
  if (!run_ns || !run_delay_ns || !timeslices || !NextWord(&rest).empty()) {
    return absl::InvalidArgumentError(fmt::format("/proc schedstat: '{}' is not three numbers", text.substr(0, 64)));
  }
  return ProcSchedstat{.run_ns = *run_ns, .run_delay_ns = *run_delay_ns, .timeslices = *timeslices};
}

}  // namespace hftmon
