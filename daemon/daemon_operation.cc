#include "daemon/daemon_operation.h"

namespace hftmon {

void DaemonOperation::SetQuiet(bool quiet) {
  gate_->Close(quiet);
  if (quiet) demand_cost_->EndForQuiet();
}

OperationStatus DaemonOperation::Describe() const {
  OperationStatus status;
  modes_->Describe(&status);
  status.quiet = gate_->is_closed();
  status.off_since_mono_ns = collection_->periods().since_mono_ns();
  status.off_count = collection_->periods().count();
  status.off_total_ns = collection_->periods().total_ns(clock_->NowNs());
  return status;
}

}  // namespace hftmon
