// The names of events and the kinds of core of this host: EventNames and CoreKind put together from their parts. Any thread; system calls.
// Reads: what PmuList and ProcessorModel read; /sys/devices/system/cpu/online.
#ifndef HFTMON_DAEMON_PMU_HOST_EVENT_NAMES_H_
#define HFTMON_DAEMON_PMU_HOST_EVENT_NAMES_H_

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"
#include "daemon/pmu/core_kind.h"
#include "daemon/pmu/event_names.h"
#include "daemon/pmu/pmu_list.h"

namespace hftmon {

// `open` as EventNamesParts says. Always there; on a host without PMUs each name has its reason. libpfm4 looks at the running host itself,
// whatever `root` is.
std::unique_ptr<EventNames> ReadHostEventNames(const FileRoot& root, std::function<absl::Status(const EventEncoding&)> open);

// Of a core PMU's own CPUs, the first that tells its model. NOT_FOUND: none does.
absl::StatusOr<CoreKind> ReadCoreKind(const FileRoot& root, const Pmu& core);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_HOST_EVENT_NAMES_H_
