#include "daemon/markers/marker_processes.h"

#include <fmt/format.h>

#include <charconv>
#include <string>

namespace hftmon {
namespace {

// The number at the beginning of `text`, after blanks.
template <typename Number>
std::optional<Number> LeadingNumber(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return std::nullopt;
  Number number = 0;
  const std::from_chars_result result = std::from_chars(text.data() + begin, text.data() + text.size(), number);
  if (result.ec != std::errc()) return std::nullopt;
  return number;
}

}  // namespace

std::optional<uid_t> ParseEffectiveUid(std::string_view status) {
  constexpr std::string_view kKey = "\nUid:\t";
  // A name cannot hold a newline here: the kernel writes it as \n, two characters.
  const size_t at = status.find(kKey);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view rest = status.substr(at + kKey.size());
  rest = rest.substr(0, rest.find('\n'));
  const size_t second = rest.find('\t');
  if (second == std::string_view::npos) return std::nullopt;
  return LeadingNumber<uid_t>(rest.substr(second));
}

std::optional<uint64_t> ParseStartTicks(std::string_view stat) {
  constexpr int kStartField = 22;
  size_t at = stat.rfind(')');
  for (int field = 2; at != std::string_view::npos && field < kStartField; ++field) at = stat.find(' ', at + 1);
  if (at == std::string_view::npos) return std::nullopt;
  return LeadingNumber<uint64_t>(stat.substr(at));
}

absl::StatusOr<MarkerProcess> ProcMarkerProcesses::Find(uint32_t pid) const {
  const absl::StatusOr<std::string> status = files_.ReadFile(fmt::format("/proc/{}/status", pid));
  if (!status.ok()) return status.status();
  // One that ends between the two is not found (ESRCH is NOT_FOUND too).
  const absl::StatusOr<std::string> stat = files_.ReadFile(fmt::format("/proc/{}/stat", pid));
  if (!stat.ok()) return stat.status();
  const std::optional<uid_t> uid = ParseEffectiveUid(*status);
  const std::optional<uint64_t> start_ticks = ParseStartTicks(*stat);
  if (!uid || !start_ticks) {
    return absl::InternalError(fmt::format("/proc/{}/{} does not read as the kernel writes it", pid, uid ? "stat" : "status"));
  }
  return MarkerProcess{.uid = *uid, .start_ticks = *start_ticks};
}

}  // namespace hftmon
