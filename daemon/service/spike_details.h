// SpikeDetails: spikes of one answer as the API has them, with all that is known beside the history: the clocks' word, stacks, what
// hardware had, places of faults, names of files. One call's own; any thread but the housekeeping thread.
#ifndef HFTMON_DAEMON_SERVICE_SPIKE_DETAILS_H_
#define HFTMON_DAEMON_SERVICE_SPIKE_DETAILS_H_

#include <vector>

#include "common/clock_epoch.h"
#include "daemon/service/file_lookup.h"
#include "daemon/service/mapping_lookup.h"
#include "daemon/service/service_core.h"
#include "daemon/service/target_selection.h"
#include "hftmon/v1/spikes.pb.h"

namespace hftmon {

class SpikeDetails {
 public:
  // Both outlive it.
  SpikeDetails(const ServiceCore& core, const TargetSelection& selection)
      : core_(core), epochs_(core.time->Epochs()), mappings_(&core.mappings, &selection), files_(&core.files, &selection) {}

  void ToProto(const Spike& spike, v1::Spike* out);
  const std::vector<ClockEpoch>& epochs() const { return epochs_; }

 private:
  const ServiceCore& core_;
  const std::vector<ClockEpoch> epochs_;
  MappingLookup mappings_;
  FileLookup files_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_SPIKE_DETAILS_H_
