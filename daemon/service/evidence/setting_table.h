// SettingTable: the settings that are one file each, under the names that rules ask for (daemon/advice/README.md). Constant data, any
// thread. A new one is a row here; those that several files make are readers of facts_of_settings.cc.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_SETTING_TABLE_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_SETTING_TABLE_H_

#include <span>

#include "daemon/os/host_settings.h"

namespace hftmon {

// Of the host as a whole.
std::span<const SettingRow> HostSettingTable();
// Of each CPU: the first '#' is the CPU. Looked at for reserved CPUs alone: a large host has thousands of these files.
std::span<const SettingRow> CpuSettingTable();
// Of each queue of each interface: '*' and then '#'.
std::span<const SettingRow> QueueSettingTable();

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_SETTING_TABLE_H_
