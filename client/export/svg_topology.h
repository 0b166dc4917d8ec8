// Topology with heat: memory nodes and their CPUs; the colour of a CPU is the time that watched threads lost there. Pure.
#ifndef HFTMON_CLIENT_EXPORT_SVG_TOPOLOGY_H_
#define HFTMON_CLIENT_EXPORT_SVG_TOPOLOGY_H_

#include <string>

#include "client/recording/recording.h"

namespace hftmon {

// One <svg> element: at most 1,024 CPUs. A recording that has no nodes shows the CPUs that it has something of, and says so; empty where it
// has none of those either.
std::string SvgTopology(const Recording& recording);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_EXPORT_SVG_TOPOLOGY_H_
