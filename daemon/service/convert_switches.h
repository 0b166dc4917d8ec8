// ConvertSwitches: what the store knows of a thread's switches -> hftmon.v1. Any thread but the housekeeping thread.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_SWITCHES_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_SWITCHES_H_

#include <span>

#include "daemon/analysis/exact_percentile.h"
#include "daemon/analysis/switch_summary.h"
#include "daemon/control/thread_names.h"
#include "daemon/service/thread_totals.h"
#include "daemon/store/switch_event.h"
#include "daemon/store/thread_window.h"
#include "hftmon/v1/switches.pb.h"

namespace hftmon {

// Everything but the totals. `events`: the thread's in that window, null when there are none.
void ThreadWindowToProto(const ThreadWindow& window, std::span<const double> percentiles, const ThreadEvents* events, ThreadNames* names,
                         v1::ThreadSwitches* out);
void DepthToProto(const DepthSummary& summary, v1::DepthStatistics* out);
void ThreadTotalToProto(const ThreadTotal& total, v1::ThreadSwitches* out);
void SwitchEventToProto(const SwitchEvent& event, ThreadNames* names, v1::SwitchEvent* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_SWITCHES_H_
