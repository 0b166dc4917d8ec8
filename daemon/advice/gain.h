// What a recommendation can gain: at most, or where it is `estimated` about. Pure, any thread.
#ifndef HFTMON_DAEMON_ADVICE_GAIN_H_
#define HFTMON_DAEMON_ADVICE_GAIN_H_

#include "daemon/advice/judge_window.h"
#include "daemon/advice/recommendation.h"

namespace hftmon {

// Rounded up, so that a bound stays one. Absent members where the figures for them are not known or the window is empty.
Gain GainOf(GainKind kind, const Fact& group, const JudgeWindow& window);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ADVICE_GAIN_H_
