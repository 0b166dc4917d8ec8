// HoldingLimits: how much clients may hold: the settings of the same names. Passive.
#ifndef HFTMON_DAEMON_CONTROL_HOLDING_LIMITS_H_
#define HFTMON_DAEMON_CONTROL_HOLDING_LIMITS_H_

#include <cstddef>

namespace hftmon {

struct HoldingLimits {
  size_t sessions_max = 256;
  size_t rules_max = 256;          // at most HFT_RULE_NAMES_MAX: the exec hook has no room for more names
  size_t target_holders_max = 64;  // parts in one target, and holders of one rule
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_CONTROL_HOLDING_LIMITS_H_
