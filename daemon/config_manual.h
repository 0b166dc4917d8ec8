// ConfigManual: the manual page hftmond(8), made of the daemon's flags and of the table of settings. Pure, any thread.
#ifndef HFTMON_DAEMON_CONFIG_MANUAL_H_
#define HFTMON_DAEMON_CONFIG_MANUAL_H_

#include <string>

namespace hftmon {

std::string ConfigManual();

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONFIG_MANUAL_H_
