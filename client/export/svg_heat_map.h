// Latency heat map: spikes over the recording's time (columns) by their length (rows of half a decade); the colour is how many. Pure.
#ifndef HFTMON_CLIENT_EXPORT_SVG_HEAT_MAP_H_
#define HFTMON_CLIENT_EXPORT_SVG_HEAT_MAP_H_

#include <string>

#include "client/recording/recording.h"

namespace hftmon {

// One <svg> element of bounded size; empty where there is no spike.
std::string SvgHeatMap(const Recording& recording);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_EXPORT_SVG_HEAT_MAP_H_
