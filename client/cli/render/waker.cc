#include "client/cli/render/waker.h"

#include <fmt/format.h>

#include "client/cli/render/both_numbers.h"
#include "client/cli/table.h"
#include "common/duration.h"

namespace hftmon {
namespace {

constexpr char kThread[] = "thread";

std::string ThreadText(const v1::Waker& waker) {
  if (waker.tid() == 0) return "the idle task";
  return fmt::format("{}[{}]", Printable(waker.comm()), ThreadNumbersText(waker));
}

std::string InterruptText(const v1::Waker& waker) {
  const std::string level = waker.context() == "hard_irq" ? "interrupt" : waker.context();
  return level + " " + (waker.interrupt().empty() ? "without a name" : Printable(waker.interrupt()));
}

}  // namespace

std::string WakerName(const v1::Waker& waker) {
  if (!waker.known()) return "unknown";
  return fmt::format("{} on CPU {}", waker.context() == kThread ? ThreadText(waker) : InterruptText(waker), waker.cpu());
}

std::string WakerText(const v1::Waker& waker, int64_t end_ns) {
  if (!waker.known()) return "    woken by: unknown, the record of the wake-up did not come\n";
  const std::string before =
      end_ns > waker.woken_monotonic_ns() ? ", " + FormatDuration(end_ns - waker.woken_monotonic_ns()) + " before this" : "";
  if (waker.context() != kThread) return fmt::format("    woken by {} (over {}){}\n", WakerName(waker), ThreadText(waker), before);
  return fmt::format("    woken by {} ({}, priority {}; its own: {}, {}){}\n", WakerName(waker), waker.waker_class(),
                     waker.waker_priority(), waker.woken_class(), waker.woken_priority(), before);
}

Json WakerJson(const v1::Waker& waker) {
  Json json{{"known", waker.known()}};
  if (!waker.known()) return json;
  json["context"] = waker.context();
  json["tid"] = waker.tid();
  json["pid"] = waker.pid();
  json["comm"] = waker.comm();
  AddInnerNumbers(waker, &json);
  json["cpu"] = waker.cpu();
  if (!waker.interrupt().empty()) json["interrupt"] = waker.interrupt();
  if (waker.irq() > 0) json["irq"] = waker.irq();
  json["woken_ns"] = waker.woken_monotonic_ns();
  json["waker_class"] = waker.waker_class();
  json["waker_priority"] = waker.waker_priority();
  json["woken_class"] = waker.woken_class();
  json["woken_priority"] = waker.woken_priority();
  return json;
}

}  // namespace hftmon
