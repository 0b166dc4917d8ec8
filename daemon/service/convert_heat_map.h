// Heat maps of where a process's memory lies, from the domain to proto. Pure, any thread.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_HEAT_MAP_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_HEAT_MAP_H_

#include "daemon/numa/process_placement.h"
#include "daemon/os/numa_nodes.h"
#include "daemon/service/sampled_lines.h"
#include "hftmon/v1/numa.pb.h"

namespace hftmon {

inline constexpr int kHeatMapPageColumns = 64;
inline constexpr int kHeatMapCellsMax = 65'536;

// Rows: mappings of which a page was looked at and is there, as long as there are cells for them.
// A column a node of the host that has memory.
void NodeHeatMap(const ProcessPlacement& placement, const NumaNodes& nodes, v1::HeatMap* out);
// As many columns as equal parts of the mapping. Of placement.pages.
void PageHeatMap(const ProcessPlacement& placement, v1::HeatMap* out);
// A cell a line, by address, in the row of the mapping that holds it. Nodes are those of placement.asked_pages.
void LineHeatMap(const ProcessPlacement& placement, const LineHeat& heat, v1::HeatMap* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_HEAT_MAP_H_
