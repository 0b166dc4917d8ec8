#include "daemon/pmu/arm_event_numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "daemon/os/event_terms.h"

namespace hftmon {
namespace {

// Of the 64 bits of config an event's number has 16.
constexpr uint64_t kNumberMask = 0xffff;
constexpr uint64_t kExtendedBase = 0x4000;
constexpr uint64_t kCommonCount = 0x40;

bool IsCommon(uint64_t number) {
  return number < kCommonCount || (number >= kExtendedBase && number < kExtendedBase + kCommonCount);
}

bool HasNumber(const Pmu& pmu, uint64_t number) {
  return std::any_of(pmu.events.begin(), pmu.events.end(), [number](const std::pair<const std::string, std::string>& event) {
    const auto terms = ParseEventTerms(event.second);
    return terms.ok() && terms->size() == 1 && terms->front().name == "event" && terms->front().value == number;
  });
}

}  // namespace

absl::Status CheckArmEventNumber(const Pmu& pmu, EventEncoding* encoding) {
  if (!pmu.core || !IsArmPmuV3Name(pmu.name)) return absl::OkStatus();
  const uint64_t number = encoding->config & kNumberMask;
  const bool listed = HasNumber(pmu, number);
  if (!listed && IsCommon(number)) {
    return absl::NotFoundError(fmt::format(
        "event number {:#x} is not implemented by this CPU: {} does not list it, and the kernel would count 0 for ever", number, pmu.name));
  }
  encoding->number_unchecked = !listed;
  return absl::OkStatus();
}

}  // namespace hftmon
