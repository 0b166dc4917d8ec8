#include "client/cli/pause.h"

#include "client/cli/stop_wait.h"

namespace hftmon {

absl::StatusOr<int> Pause(const Console& console, int64_t duration_ns) {
  const auto wait = StopWait::Start(console.out_fd());
  if (!wait.ok()) return wait.status();
  (*wait)->WaitFor(duration_ns);
  return (*wait)->signal();
}

}  // namespace hftmon
