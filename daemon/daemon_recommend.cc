// The part of the composition root that makes facts for recommendations.
#include <unistd.h>

#include "daemon/daemon.h"

namespace hftmon {

void Daemon::BuildEvidence(ServiceCore* core) {
  evidence_ = std::make_unique<ServiceEvidence>(ServiceEvidence::Parts{.core = *core,
                                                                       .files = files_,
                                                                       .own_pid = static_cast<uint32_t>(getpid()),
                                                                       .hardware_sums = hardware_totals_.get(),
                                                                       .sampled_lines = &sampled_lines_});
  evidence_turn_ = std::make_unique<EvidenceTurn>(evidence_.get());
  core->evidence = evidence_.get();
}

}  // namespace hftmon
