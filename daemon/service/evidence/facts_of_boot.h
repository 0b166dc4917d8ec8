// What the kernel was told at boot about CPUs that are reserved.
// Reads: /sys/devices/system/cpu/{nohz_full,possible}, /proc/cmdline.
// Produces: kHostSetting nohz_full, rcu_nocbs, managed_irq.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_BOOT_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_BOOT_H_

#include "daemon/os/file_root.h"
#include "daemon/service/evidence/setting_facts.h"

namespace hftmon {

// CPUs without a tick are told by the kernel; of RCU callbacks and managed interrupts the command line alone tells, and a kernel that is
// built without them ignores it silently.
void AddBootFacts(const FileRoot& files, SettingFacts* facts);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_FACTS_OF_BOOT_H_
