// Work that interrupts put off, as the API says it. Any thread.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_DEFERRED_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_DEFERRED_H_

#include <set>

#include "daemon/service/deferred_totals.h"
#include "hftmon/v1/interrupts.pb.h"

namespace hftmon {

// Of the CPUs named; of those that had any when none is.
void DeferredToProto(const DeferredTotal& total, const std::set<int32_t>& cpus, v1::DeferredWork* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_DEFERRED_H_
