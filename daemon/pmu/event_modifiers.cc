#include "daemon/pmu/event_modifiers.h"

#include <fmt/format.h>

#include <algorithm>

namespace hftmon {
namespace {

constexpr std::string_view kLetters = "ukhpP";

}  // namespace

absl::Status ApplyEventModifiers(std::string_view letters, std::optional<int> precise_max, EventEncoding* encoding) {
  const auto count = [letters](char letter) { return std::count(letters.begin(), letters.end(), letter); };
  for (const char letter : letters) {
    if (kLetters.find(letter) == std::string_view::npos) {
      return absl::InvalidArgumentError(
          fmt::format("modifier '{}' is not known: u, k, h (whose cycles), p to ppp or P (precision)", letters.substr(0, 16)));
    }
    if (letter != 'p' && count(letter) > 1) return absl::InvalidArgumentError(fmt::format("modifier '{}' stands twice", letter));
  }
  const auto precise = count('p');
  if (precise > 3 || (precise > 0 && count('P') > 0)) {
    return absl::InvalidArgumentError("precision is one of p, pp, ppp and P");
  }
  if (precise > 0 && !precise_max) {
    return absl::InvalidArgumentError("modifier 'p': this PMU tells no precision, and a p would mean nothing: leave it out");
  }
  if (precise > 0) encoding->precise_ip = static_cast<uint8_t>(precise);
  if (count('P') > 0) encoding->precise_ip = static_cast<uint8_t>(precise_max.value_or(0));
  if (count('u') + count('k') + count('h') > 0) {
    encoding->exclude_user = count('u') == 0;
    encoding->exclude_kernel = count('k') == 0;
    encoding->exclude_hypervisor = count('h') == 0;
  }
  return absl::OkStatus();
}

}  // namespace hftmon
