// What the control page of a perf event says of the time stamps that hardware writes: how the CPU's counter becomes the kernel's clock for
// perf. Any thread; the page is the kernel's to write meanwhile.
#ifndef HFTMON_DAEMON_OS_PERF_TIME_PAGE_H_
#define HFTMON_DAEMON_OS_PERF_TIME_PAGE_H_

#include <cstddef>
#include <optional>
#include <span>

#include "common/perf/perf_aux_records.h"

namespace hftmon {

// `ring_memory` begins with the page. No value: the kernel gives no conversion (no cap_user_time_zero), one that cannot be, or went on
// changing it (16 looks).
std::optional<PerfTimeConversion> ReadTimeConversion(std::span<std::byte> ring_memory);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_PERF_TIME_PAGE_H_
