// ShareInterval: within which bounds a share lies that was estimated from a sample (Wilson's interval, 95 %). Pure, any thread.
//
// It takes the sampled ones for independent, and for few of very many. Neighbouring pages are alike and the sample is spread evenly, so the
// truth is nearer than it says; where most of them were looked at it is nearer still.
#ifndef HFTMON_DAEMON_NUMA_SHARE_INTERVAL_H_
#define HFTMON_DAEMON_NUMA_SHARE_INTERVAL_H_

#include <cstdint>

namespace hftmon {

struct ShareInterval {
  double low = 0;   // 0 to 1
  double high = 1;  // 0 to 1
};

// Of `hits` among `count`, hits ≤ count. Nothing is known of none: 0 to 1.
ShareInterval WilsonInterval(uint64_t hits, uint64_t count);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_NUMA_SHARE_INTERVAL_H_
