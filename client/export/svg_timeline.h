// Timeline around one spike: what the victim and the other threads of the recording did, and below it the spike's time budget. Pure.
#ifndef HFTMON_CLIENT_EXPORT_SVG_TIMELINE_H_
#define HFTMON_CLIENT_EXPORT_SVG_TIMELINE_H_

#include <string>

#include "client/recording/recording.h"

namespace hftmon {

// One <svg> element: the spike with as much again before and behind it, the victim's row first, at most 10 other threads' (those with most
// going on then), at most 410 shapes a row: of more
// pieces a column shows the state that had most of its time. The budget's bar has each cause in its measured length; their order in time is
// not known.
std::string SvgTimeline(const Recording& recording, const RecordedSpike& spike);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_EXPORT_SVG_TIMELINE_H_
