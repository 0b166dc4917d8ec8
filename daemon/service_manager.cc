#include "daemon/service_manager.h"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>
#include <time.h>

namespace hftmon {

void ServiceManager::Ready(const std::string& status) {
  sd_notify(0, fmt::format("READY=1\nSTATUS={}", status).c_str());
}

void ServiceManager::Reloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  // systemd 253 and later demand the time, earlier ones ignore it.
  sd_notify(0, fmt::format("RELOADING=1\nMONOTONIC_USEC={}", static_cast<int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000).c_str());
}

void ServiceManager::Stopping() {
  sd_notify(0, "STOPPING=1");
}

void ServiceManager::FeedWatchdog() {
  sd_notify(0, "WATCHDOG=1");
}

int64_t ServiceManager::WatchdogIntervalNs() const {
  uint64_t interval_us = 0;
  if (sd_watchdog_enabled(0, &interval_us) <= 0) return 0;
  return static_cast<int64_t>(interval_us) * 1000;
}

}  // namespace hftmon
