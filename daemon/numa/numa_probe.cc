#include "daemon/numa/numa_probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "daemon/os/bounded_process.h"
#include "daemon/os/file_root.h"

namespace hftmon {
namespace {

constexpr int kCannot = 1;  // it could not, and wrote why

// As printable ASCII: what another program writes goes to terminals.
std::string Clean(std::string_view text) {
  std::string clean(Trim(text));
  std::replace_if(
      clean.begin(), clean.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return clean;
}

}  // namespace

absl::StatusOr<ProbeReport> RunNumaProbe(const std::string& path, const PlannedPair& pair, int64_t patience_ns,
                                         std::function<bool()> given_up) {
  const BoundedProcess process{
      .path = path,
      .arguments = {std::to_string(*pair.cpu), std::to_string(pair.memory_node), std::to_string(pair.buffer_bytes)},
      .patience_ns = patience_ns,
      .output_bytes_max = kProbeReportBytesMax,
      .given_up = std::move(given_up)};
  const absl::StatusOr<ProcessOutput> output = RunBounded(process);
  if (!output.ok()) return output.status();
  if (output->exit_code == kCannot) return absl::UnavailableError(Clean(output->text));
  if (output->exit_code != 0) {
    return absl::InternalError(fmt::format("{} does not understand this daemon: install that of the same version", path));
  }
  return ParseProbeReport(output->text, pair.buffer_bytes);
}

}  // namespace hftmon
