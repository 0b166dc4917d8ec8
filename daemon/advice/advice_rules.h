// The table of rules: one list that names them all, by subject. Constant data after the first call, any thread.
#ifndef HFTMON_DAEMON_ADVICE_ADVICE_RULES_H_
#define HFTMON_DAEMON_ADVICE_ADVICE_RULES_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/advice/rule.h"

namespace hftmon {

// Every row. Where a fact fits several, the one with most conditions takes it, the earlier of equals.
std::span<const RuleRow> AdviceRules();

// Null when there is none of that id.
const RuleRow* FindAdviceRule(std::string_view id);
// For errors: "there is no rule 'X': did you mean A or B?", and where nothing is near how to see them all.
std::string UnknownAdviceRuleMessage(std::string_view id);

// Ends swapping, and back: every area with the priority it had, whoever set it up (fstab, a .swap unit, zram-generator). The areas
// are kept in a file until undo, or the next boot, which brings them back by itself.
inline constexpr std::string_view kSwapOff = "(test -e /run/hftmon.swaps || cp /proc/swaps /run/hftmon.swaps) && swapoff -a";
inline constexpr std::string_view kSwapOn =
    "tail -n +2 /run/hftmon.swaps | while read -r area type size used priority; do swapon -p \"$priority\" \"$(printf %b \"$area\")\"; "
    "done && rm /run/hftmon.swaps";
inline constexpr std::string_view kNoSwapAtBoot =
    "/etc/fstab: no line of type swap; systemctl mask what systemctl list-units --type=swap names";

// By subject, a file each.
std::vector<RuleRow> InterruptRules();
std::vector<RuleRow> SchedulingRules();
std::vector<RuleRow> LockRules();
std::vector<RuleRow> MemoryRules();
std::vector<RuleRow> NumaRules();
std::vector<RuleRow> NetworkRules();
std::vector<RuleRow> HardwareRules();
std::vector<RuleRow> HostRules();
std::vector<RuleRow> CpuRules();

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ADVICE_ADVICE_RULES_H_
