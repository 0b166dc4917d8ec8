#include "client/cli/verbs/verbs.h"

namespace hftmon {

std::vector<std::unique_ptr<Verb>> AllVerbs() {
  std::vector<std::unique_ptr<Verb>> verbs;
  verbs.push_back(NewDoctorVerb());
  verbs.push_back(NewStatusVerb());
  verbs.push_back(NewAttachVerb());
  verbs.push_back(NewDetachVerb());
  verbs.push_back(NewTargetsVerb());
  verbs.push_back(NewRunVerb());
  verbs.push_back(NewSpikesVerb());
  verbs.push_back(NewSwitchesVerb());
  verbs.push_back(NewTimelineVerb());
  verbs.push_back(NewTopVerb());
  verbs.push_back(NewCorrelateVerb());
  verbs.push_back(NewThreadsVerb());
  verbs.push_back(NewIrqsVerb());
  verbs.push_back(NewLocksVerb());
  verbs.push_back(NewInversionsVerb());
  verbs.push_back(NewMemoryVerb());
  verbs.push_back(NewCacheVerb());
  verbs.push_back(NewNumaVerb());
  verbs.push_back(NewHardwareVerb());
  verbs.push_back(NewOperationsVerb());
  verbs.push_back(NewNetworkVerb());
  verbs.push_back(NewCheckVerb());
  verbs.push_back(NewRecommendVerb());
  verbs.push_back(NewSampleVerb());
  verbs.push_back(NewSharingVerb());
  verbs.push_back(NewRecordVerb());
  verbs.push_back(NewExportVerb());
  verbs.push_back(NewImportVerb());
  verbs.push_back(NewMetricsVerb());
  verbs.push_back(NewModeVerb());
  verbs.push_back(NewQuietVerb());
  verbs.push_back(NewOffVerb());
  verbs.push_back(NewOnVerb());
  return verbs;
}

}  // namespace hftmon
