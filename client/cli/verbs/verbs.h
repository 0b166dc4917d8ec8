// The list of all verbs. A new one is a file in this folder, a line here and a line in verbs.cc.
#ifndef HFTMON_CLIENT_CLI_VERBS_VERBS_H_
#define HFTMON_CLIENT_CLI_VERBS_VERBS_H_

#include <memory>
#include <vector>

#include "client/cli/verbs/verb.h"

namespace hftmon {

std::unique_ptr<Verb> NewDoctorVerb();
std::unique_ptr<Verb> NewStatusVerb();
std::unique_ptr<Verb> NewAttachVerb();
std::unique_ptr<Verb> NewDetachVerb();
std::unique_ptr<Verb> NewTargetsVerb();
std::unique_ptr<Verb> NewRecommendVerb();
std::unique_ptr<Verb> NewCheckVerb();
std::unique_ptr<Verb> NewRunVerb();
std::unique_ptr<Verb> NewSampleVerb();
std::unique_ptr<Verb> NewSharingVerb();
std::unique_ptr<Verb> NewSpikesVerb();
std::unique_ptr<Verb> NewSwitchesVerb();
std::unique_ptr<Verb> NewTimelineVerb();
std::unique_ptr<Verb> NewTopVerb();
std::unique_ptr<Verb> NewCorrelateVerb();
std::unique_ptr<Verb> NewThreadsVerb();
std::unique_ptr<Verb> NewIrqsVerb();
std::unique_ptr<Verb> NewLocksVerb();
std::unique_ptr<Verb> NewInversionsVerb();
std::unique_ptr<Verb> NewMemoryVerb();
std::unique_ptr<Verb> NewCacheVerb();
std::unique_ptr<Verb> NewHardwareVerb();
std::unique_ptr<Verb> NewOperationsVerb();
std::unique_ptr<Verb> NewNetworkVerb();
std::unique_ptr<Verb> NewNumaVerb();
std::unique_ptr<Verb> NewRecordVerb();
std::unique_ptr<Verb> NewExportVerb();
std::unique_ptr<Verb> NewImportVerb();
std::unique_ptr<Verb> NewMetricsVerb();
std::unique_ptr<Verb> NewModeVerb();
std::unique_ptr<Verb> NewQuietVerb();
std::unique_ptr<Verb> NewOffVerb();
std::unique_ptr<Verb> NewOnVerb();

// In the order of the help text.
std::vector<std::unique_ptr<Verb>> AllVerbs();

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_VERBS_VERBS_H_
