#include "client/export/slice_lanes.h"

#include <algorithm>

namespace hftmon {

std::vector<size_t> LanesOf(const std::vector<LaneSpan>& spans) {
  std::vector<int64_t> free_from_ns;  // by lane
  std::vector<size_t> lanes;
  lanes.reserve(spans.size());
  for (const LaneSpan& span : spans) {
    const auto free = std::find_if(free_from_ns.begin(), free_from_ns.end(), [&span](int64_t from_ns) { return from_ns <= span.start_ns; });
    lanes.push_back(static_cast<size_t>(free - free_from_ns.begin()));
    // A span without length takes its lane all the same: two at one time would else stand in each other.
    const int64_t taken_until_ns = std::max(span.end_ns, span.start_ns + 1);
    if (free == free_from_ns.end()) {
      free_from_ns.push_back(taken_until_ns);
    } else {
      *free = taken_until_ns;
    }
  }
  return lanes;
}

}  // namespace hftmon
