// EventNames: the front of all ways to name an event. A name is tried as a number ("r01cd:u"), as words of a PMU
// ("cpu/mem-loads,ldlat=30/P"), as one of the kernel's generic names ("L1-dcache-load-misses:u"), and by libpfm4
// ("MEM_LOAD_RETIRED:L3_MISS").
//
// Any thread; constant after construction. Allocates: never in the loop.
#ifndef HFTMON_DAEMON_PMU_EVENT_NAMES_H_
#define HFTMON_DAEMON_PMU_EVENT_NAMES_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/perf/generic_events.h"
#include "daemon/pmu/event_encoding.h"
#include "daemon/pmu/pmu_list.h"

namespace hftmon {

struct EventNamesParts {
  PmuList pmus;
  std::string processor;  // for messages: "skx", "AMD family 26 model 2"
  // The library of vendors' names: EncodeByLibrary and LibraryEventNames, or what stands in for them.
  std::function<absl::StatusOr<EventEncoding>(std::string_view)> encode_by_library;
  std::function<std::vector<std::string>()> library_names;
  // TryOpen of event_attributes.h, or what stands in for it: OK, or why the kernel refuses, with the mend.
  std::function<absl::Status(const EventEncoding&)> open;
};

class EventNames {
 public:
  // All parts are given.
  explicit EventNames(EventNamesParts parts);
  EventNames(const EventNames&) = delete;
  EventNames& operator=(const EventNames&) = delete;

  // One encoding for each PMU that counts it: more than one only on processors with cores of several kinds, each then counting on its own
  // cores alone. NOT_FOUND names near ones. INVALID_ARGUMENT: the name is understood in part, and the error says which part not.
  // FAILED_PRECONDITION: this kernel has no PMU of the processor, or none for that event.
  absl::StatusOr<std::vector<EventEncoding>> EncodeAll(std::string_view name) const;
  // The same where one PMU counts it; else INVALID_ARGUMENT, which lists the name of each kind of core.
  absl::StatusOr<EventEncoding> Encode(std::string_view name) const;
  // Whether the kernel opens it: the reason names the event.
  absl::Status Validate(const EventEncoding& encoding) const;

  const PmuList& pmus() const { return parts_.pmus; }

 private:
  absl::StatusOr<std::vector<EventEncoding>> ByNumber(std::string_view name, std::string_view digits, std::string_view modifiers) const;
  absl::StatusOr<std::vector<EventEncoding>> ByPmu(std::string_view name) const;
  absl::StatusOr<std::vector<EventEncoding>> Generic(std::string_view name, const GenericEvent& event, std::string_view modifiers) const;
  absl::StatusOr<std::vector<EventEncoding>> ByLibrary(std::string_view name) const;
  // A generic event of the processor as it is counted on that one PMU.
  EventEncoding OnCore(const Pmu& core, const GenericEvent& event) const;
  absl::Status NoCores(std::string_view name) const;
  absl::Status NotFound(std::string_view name, std::string_view why) const;

  const EventNamesParts parts_;
  const std::vector<const Pmu*> cores_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_EVENT_NAMES_H_
