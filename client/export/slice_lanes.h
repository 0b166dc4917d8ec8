// SliceLanes: spreads spans over lanes so that those of one lane do not overlap: slices of one Perfetto track have to nest, and stalls of
// one thread, or of one CPU, need not. Pure, any thread.
#ifndef HFTMON_CLIENT_EXPORT_SLICE_LANES_H_
#define HFTMON_CLIENT_EXPORT_SLICE_LANES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hftmon {

struct LaneSpan {
  int64_t start_ns = 0;
  int64_t end_ns = 0;
};

// For each span its lane, 0 for the first: the lowest one that is free at its start. `spans` by start, ascending. Spans that touch share a
// lane. As many lanes are used as spans overlap at one time.
std::vector<size_t> LanesOf(const std::vector<LaneSpan>& spans);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_EXPORT_SLICE_LANES_H_
