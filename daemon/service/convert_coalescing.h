// What devices make interrupts of, as the API says it. Any thread.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_COALESCING_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_COALESCING_H_

#include "daemon/service/coalescing_source.h"
#include "hftmon/v1/interrupts.pb.h"

namespace hftmon {

void CoalescingToProto(const CoalescingReport& report, v1::InterruptCoalescing* out);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_COALESCING_H_
