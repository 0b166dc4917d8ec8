#include "daemon/analysis/interrupt_names.h"

#include <fmt/format.h>

#include <array>

namespace hftmon {
namespace {

// As /proc/softirqs has them, by vector.
constexpr std::array<const char*, HFT_SOFTIRQS> kSoftirqNames = {"HI",       "TIMER",   "NET_TX", "NET_RX",  "BLOCK",
                                                                 "IRQ_POLL", "TASKLET", "SCHED",  "HRTIMER", "RCU"};

}  // namespace

std::string InterruptName(hft_interrupt_source source, uint16_t number, const std::string& handler) {
  if (source >= HFT_SOURCE_SOFTIRQ) {
    const char* name = kSoftirqNames[static_cast<size_t>(source - HFT_SOURCE_SOFTIRQ) % kSoftirqNames.size()];
    return handler.empty() ? name : fmt::format("{} ({})", name, handler);
  }
  switch (source) {
    case HFT_SOURCE_NMI:
      return "nmi";
    case HFT_SOURCE_DEVICE:
      return handler.empty() ? fmt::format("irq {}", number) : handler;
    case HFT_SOURCE_LOCAL_TIMER:
      return "local_timer";
    case HFT_SOURCE_RESCHEDULE:
      return "reschedule";
    case HFT_SOURCE_CALL_FUNCTION:
      return "call_function";
    case HFT_SOURCE_IRQ_WORK:
      return "irq_work";
    case HFT_SOURCE_VECTOR:
      return fmt::format("vector {}", number);
    default:
      return "unknown";
  }
}

}  // namespace hftmon
