// WindowMaximum: the longest duration of a window's bucket, from the histogram of what was counted in it and the kernel's maximum.
//
// A program writes the maximum, then counts the duration, on another CPU than the reader. The reader takes the maximum (leaving 0), reads
// the histogram, and looks at the maximum again. What was written in between may be counted in this bucket or in the next: where that would
// decide, the answer is the upper edge of its histogram bucket, which no value exceeded. A maximum that was taken before it was counted is
// the next bucket's. One error is left, below the width of a histogram bucket: a program that is halted between its two stores for as long
// as a reading takes, while the bucket's other maximum lies in the same histogram bucket.
//
// Pure functions, housekeeping thread, no allocation.
#ifndef HFTMON_DAEMON_INGEST_WINDOW_MAXIMUM_H_
#define HFTMON_DAEMON_INGEST_WINDOW_MAXIMUM_H_

#include <cstdint>

#include "common/sparse_histogram.h"

namespace hftmon {

// The kernel's maximum, as one reading of a slot found it.
struct MaximumReading {
  int64_t taken_ns = 0;  // before the histogram was read
  int64_t later_ns = 0;  // after it; 0 = none was written in between
};

// What a reading leaves to the next one.
struct MaximumCarry {
  int64_t early_ns = 0;  // taken, and not counted yet; 0 = none
  int64_t later_ns = 0;  // seen after the histogram, and still there to be taken
};

// `hits`: what was counted since the last reading; `unbinned_count`: of those without a place in a histogram. 0 when nothing was counted.
int64_t MaximumOf(const MaximumReading& reading, const MaximumCarry& before, const SparseHistogram& hits, uint64_t unbinned_count);
MaximumCarry CarryOf(const MaximumReading& reading, const MaximumCarry& before, const SparseHistogram& hits, uint64_t unbinned_count);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_INGEST_WINDOW_MAXIMUM_H_
