#include "daemon/os/kernel_clock.h"

#include <fmt/format.h>
#include <sys/timex.h>

#include <cerrno>
#include <cstring>

namespace hftmon {
namespace {

constexpr int64_t kNsPerUs = 1'000;
constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr double kFrequencyUnit = 65'536;  // timex.freq is ppm times this
constexpr long kNominalTickUs = 10'000;    // timex.tick: microseconds per hundredth of a second
constexpr double kPpmPerTickUs = 100;

const char* LeapSecond(int state) {
  switch (state) {
    case TIME_INS:
      return "insert";
    case TIME_DEL:
      return "delete";
    case TIME_OOP:
      return "in_progress";
    default:
      return "";
  }
}

}  // namespace

AdjustClock SystemAdjustClock() {
  return [](timex* clock) {
    const int state = ::clock_adjtime(CLOCK_REALTIME, clock);
    return state < 0 ? -errno : state;
  };
}

KernelClock ReadKernelClock(const AdjustClock& adjust_clock) {
  timex answer{};
  const int state = adjust_clock(&answer);
  KernelClock clock;
  if (state < 0) {
    clock.reason = fmt::format("clock_adjtime: {}", std::strerror(-state));
    if (state == -EPERM || state == -EACCES) {
      clock.reason +=
          ": a filter refuses it (systemd: ProtectClock=no, SystemCallFilter=clock_adjtime; without CAP_SYS_TIME it only reads)";
    }
    return clock;
  }
  clock.available = true;
  clock.reason.clear();
  clock.synchronised = state != TIME_ERROR && (answer.status & STA_UNSYNC) == 0;
  clock.max_error_ns = answer.maxerror * kNsPerUs;
  clock.estimated_error_ns = answer.esterror * kNsPerUs;
  clock.frequency_ppm = static_cast<double>(answer.freq) / kFrequencyUnit;
  if (answer.tick != 0) clock.frequency_ppm += static_cast<double>(answer.tick - kNominalTickUs) * kPpmPerTickUs;
  clock.tai_offset_ns = answer.tai * kNsPerSecond;
  clock.leap_second = LeapSecond(state);
  return clock;
}

}  // namespace hftmon
