#include "daemon/ingest/window_maximum.h"

#include <algorithm>
#include <optional>

#include "common/histogram.h"

namespace hftmon {
namespace {

// It stood in the slot already when the last reading had read its histogram: that one may have counted it.
bool MayBeCountedBefore(const MaximumReading& reading, const MaximumCarry& before) {
  return before.later_ns > 0 && reading.taken_ns == before.later_ns;
}

}  // namespace

int64_t MaximumOf(const MaximumReading& reading, const MaximumCarry& before, const SparseHistogram& hits, uint64_t unbinned_count) {
  const std::optional<size_t> top = hits.top();
  if (!top && unbinned_count == 0) return 0;
  // Above the highest bucket only what found no page can lie.
  const auto can_be_it = [&](int64_t ns) {
    const size_t bucket = BucketOf(ns);
    return (top && bucket == *top) || (unbinned_count > 0 && (!top || bucket > *top));
  };
  int64_t sure_ns = -1;
  int64_t doubtful_ns = reading.later_ns > 0 && can_be_it(reading.later_ns) ? reading.later_ns : -1;
  if (can_be_it(reading.taken_ns)) {
    int64_t& kept_ns = MayBeCountedBefore(reading, before) ? doubtful_ns : sure_ns;
    kept_ns = std::max(kept_ns, reading.taken_ns);
  }
  if (before.early_ns > 0 && can_be_it(before.early_ns)) sure_ns = std::max(sure_ns, before.early_ns);
  if (doubtful_ns > sure_ns) return BucketUpperNs(BucketOf(doubtful_ns));
  if (sure_ns >= 0) return sure_ns;
  return top ? BucketUpperNs(*top) : 0;
}

MaximumCarry CarryOf(const MaximumReading& reading, const MaximumCarry& before, const SparseHistogram& hits, uint64_t unbinned_count) {
  const std::optional<size_t> top = hits.top();
  const bool counted = unbinned_count > 0 || (top && BucketOf(reading.taken_ns) <= *top) || MayBeCountedBefore(reading, before);
  return {.early_ns = counted ? 0 : reading.taken_ns, .later_ns = reading.later_ns};
}

}  // namespace hftmon
