// Cause breakdown: what took the counted time of a recording's spikes, as bars, the largest first. Pure.
#ifndef HFTMON_CLIENT_EXPORT_SVG_CAUSES_H_
#define HFTMON_CLIENT_EXPORT_SVG_CAUSES_H_

#include <set>
#include <string>

#include "client/recording/recording.h"

namespace hftmon {

// Of spikes of these kinds; no moment counts twice (counted_stalls.h). One <svg> element of at most 16 bars, what is beyond in the last;
// empty where nothing counts.
std::string SvgCauses(const Recording& recording, const std::set<std::string>& kinds);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_EXPORT_SVG_CAUSES_H_
