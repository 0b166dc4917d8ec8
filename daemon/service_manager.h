// ServiceManager: what systemd is told (sd_notify): ready, stopping, alive. Does nothing when not started by it. Any thread.
#ifndef HFTMON_DAEMON_SERVICE_MANAGER_H_
#define HFTMON_DAEMON_SERVICE_MANAGER_H_

#include <cstdint>
#include <string>

namespace hftmon {

class ServiceManager {
 public:
  void Ready(const std::string& status);
  // The configuration is read again; Ready() ends it.
  void Reloading();
  void Stopping();
  void FeedWatchdog();
  // How often the manager wants to hear; 0 when it does not.
  int64_t WatchdogIntervalNs() const;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_MANAGER_H_
