#include "client/cli/off_notice.h"

#include <fmt/format.h>

#include "client/cli/time_scale.h"
#include "common/duration.h"

namespace hftmon {

bool SayIfOff(const Context& context, const Client& client, const std::string& verb) {
  const auto status = client.GetStatus();
  if (!status.ok() || !status->operation().off()) return false;
  std::string since;
  if (status->operation().has_off_since_monotonic_ns()) {
    const int64_t since_ns = status->operation().off_since_monotonic_ns();
    since = fmt::format(" since {} ({} ago)", FormatTime(since_ns, status->time(), context.zone, TimeScale::kLocal),
                        FormatDuration(status->time().monotonic_ns() - since_ns));
  }
  context.console.Err(fmt::format("hftmon: {}: the programs are off{}: nothing is collected: `hftmon on` switches them on\n", verb, since));
  return true;
}

}  // namespace hftmon
