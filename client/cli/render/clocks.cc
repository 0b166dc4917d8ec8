#include "client/cli/render/clocks.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

#include "client/cli/table.h"
#include "common/duration.h"

namespace hftmon {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

std::string KernelClockText(const v1::KernelClock& clock) {
  if (!clock.available()) return fmt::format("time    the kernel does not tell its clock's state: {}\n", Printable(clock.reason()));
  std::string text = clock.synchronised() ? "time    synchronised to UTC within " + FormatDuration(clock.max_error_ns())
                                          : std::string("time    NOT SYNCHRONISED: wall times do not compare with other hosts'");
  text += fmt::format(", rate {:+.3f} ppm", clock.frequency_ppm());
  text += clock.has_tai_offset_ns() ? fmt::format(", TAI is UTC + {} s", clock.tai_offset_ns() / kSecondNs) : ", no TAI offset known";
  if (!clock.leap_second().empty()) text += fmt::format(", leap second: {}", Printable(clock.leap_second()));
  return text + "\n";
}

std::string PtpClockText(const v1::PtpClock& clock) {
  std::string text = fmt::format("ptp     {} ({}", Printable(clock.device()), Printable(clock.name()));
  for (const std::string& interface : clock.interfaces()) text += ", " + Printable(interface);
  if (!clock.has_offset_ns()) return text + fmt::format("): {}\n", Printable(clock.reason()));
  return text + fmt::format("): CLOCK_REALTIME {} {} ns, error {}, {}\n", clock.offset_ns() < 0 ? '-' : '+', std::abs(clock.offset_ns()),
                            FormatDuration(clock.error_ns()), Printable(clock.method()));
}

Json RunQueueClockJson(const v1::RunQueueClock& clock) {
  Json json{{"cpu", clock.cpu()}, {"offset_ns", clock.offset_ns()}, {"error_ns", clock.error_ns()}};
  if (clock.has_rate_ppm() && std::isfinite(clock.rate_ppm())) json["rate_ppm"] = clock.rate_ppm();
  json["pair_count"] = clock.pair_count();
  return json;
}

Json KernelClockJson(const v1::KernelClock& clock) {
  Json json{{"available", clock.available()}};
  if (!clock.available()) {
    json["reason"] = clock.reason();
    return json;
  }
  json["synchronised"] = clock.synchronised();
  json["max_error_ns"] = clock.max_error_ns();
  json["estimated_error_ns"] = clock.estimated_error_ns();
  if (std::isfinite(clock.frequency_ppm())) json["frequency_ppm"] = clock.frequency_ppm();
  if (clock.has_tai_offset_ns()) json["tai_offset_ns"] = clock.tai_offset_ns();
  if (!clock.leap_second().empty()) json["leap_second"] = clock.leap_second();
  json["read_ns"] = clock.read_monotonic_ns();
  return json;
}

Json PtpClockJson(const v1::PtpClock& clock) {
  Json json{{"device", clock.device()}, {"name", clock.name()}, {"interfaces", Json::array()}, {"available", clock.available()}};
  for (const std::string& interface : clock.interfaces()) json["interfaces"].push_back(interface);
  if (!clock.reason().empty()) json["reason"] = clock.reason();
  if (clock.has_offset_ns()) {
    json["method"] = clock.method();
    json["offset_ns"] = clock.offset_ns();
    json["error_ns"] = clock.error_ns();
  }
  json["read_ns"] = clock.read_monotonic_ns();
  return json;
}

Json EpochJson(const v1::ClockEpoch& epoch) {
  Json json{{"number", epoch.number()},
            {"reason", epoch.reason()},
            {"detail", epoch.detail()},
            {"begin_after_ns", epoch.begin_after_monotonic_ns()},
            {"begin_ns", epoch.begin_monotonic_ns()}};
  if (epoch.has_end_monotonic_ns()) json["end_ns"] = epoch.end_monotonic_ns();
  json["step_ns"] = epoch.step_ns();
  json["time"] = TimeJson(epoch.time());
  return json;
}

}  // namespace

std::string ClocksText(const v1::ClockStatus& clock) {
  std::string text;
  if (clock.has_kernel_clock()) text += KernelClockText(clock.kernel_clock());
  for (const v1::PtpClock& ptp : clock.ptp_clocks()) text += PtpClockText(ptp);
  if (!clock.ptp_reason().empty()) text += fmt::format("ptp     none: {}\n", Printable(clock.ptp_reason()));
  for (const v1::ClockEpoch& epoch : clock.epochs()) {
    if (epoch.reason() == "start") continue;
    text += fmt::format("epoch   {}, at {}.{:09} s of CLOCK_MONOTONIC\n", Printable(epoch.detail()), epoch.begin_monotonic_ns() / kSecondNs,
                        std::abs(epoch.begin_monotonic_ns() % kSecondNs));
  }
  return text;
}

void AddClocksJson(const v1::ClockStatus& clock, Json* json) {
  (*json)["epochs"] = Json::array();
  for (const v1::ClockEpoch& epoch : clock.epochs()) (*json)["epochs"].push_back(EpochJson(epoch));
  (*json)["run_queue_clocks"] = Json::array();
  for (const v1::RunQueueClock& run_queue : clock.run_queue_clocks()) (*json)["run_queue_clocks"].push_back(RunQueueClockJson(run_queue));
  if (clock.has_kernel_clock()) (*json)["kernel_clock"] = KernelClockJson(clock.kernel_clock());
  (*json)["ptp_clocks"] = Json::array();
  for (const v1::PtpClock& ptp : clock.ptp_clocks()) (*json)["ptp_clocks"].push_back(PtpClockJson(ptp));
  if (!clock.ptp_reason().empty()) (*json)["ptp_reason"] = clock.ptp_reason();
}

}  // namespace hftmon
