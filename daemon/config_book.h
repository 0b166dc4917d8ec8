// ConfigBook: the configuration in force, what the file says that is not, and when it was read. Every method by any thread (one mutex).
#ifndef HFTMON_DAEMON_CONFIG_BOOK_H_
#define HFTMON_DAEMON_CONFIG_BOOK_H_

#include <mutex>
#include <string>
#include <vector>

#include "daemon/config.h"
#include "daemon/control/status_source.h"

namespace hftmon {

class ConfigBook {
 public:
  // `path` is the file's, empty without one; `now` when it was read.
  ConfigBook(const Config& in_force, const std::string& path, const TimePair& now);

  // A sound configuration was read: its live settings are in force from now on, the others are pending. Returns what is in force.
  Config Take(const Config& next, const TimePair& now);
  // A reload found faults: everything stays as it is.
  void Refuse(const std::vector<std::string>& faults);

  ConfigStatus status() const;
  // For the log and the service manager: "changed in the file, in force after a restart: threads_max (16384, now 4096)"; "" when nothing
  // is.
  std::string PendingText() const;

 private:
  mutable std::mutex mutex_;
  Config in_force_;
  ConfigStatus status_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONFIG_BOOK_H_
