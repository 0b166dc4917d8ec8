// A recording as a Perfetto trace: open it in ui.perfetto.dev, or ask it with trace_processor. Pure, any thread.
//
// Times are shown in CLOCK_MONOTONIC, as everywhere in hftmon; the clock snapshot leads to wall time. Switches as ftrace tells them have no
// clock of their own, readers take theirs for CLOCK_BOOTTIME: the snapshot sets that equal to CLOCK_MONOTONIC, which it is on a host that
// was never suspended; on another the file's boot times are off by the time asleep, and nothing else is.
#ifndef HFTMON_CLIENT_EXPORT_PERFETTO_TRACE_H_
#define HFTMON_CLIENT_EXPORT_PERFETTO_TRACE_H_

#include <string>

#include "client/recording/recording.h"

namespace hftmon {

std::string PerfettoTrace(const Recording& recording);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_EXPORT_PERFETTO_TRACE_H_
