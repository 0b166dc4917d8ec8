// The part of the composition root that tells of work that interrupts put off, and of what devices make interrupts of.
#include "daemon/daemon.h"
#include "daemon/os/interrupt_coalescing.h"

namespace hftmon {

void Daemon::BuildDeferred() {
  const DeferredPrograms& programs = collector_->deferred_programs();
  kernel_functions_ = std::make_unique<KernelFunctions>(files_);
  SharedDeferredTotals::Parts totals;
  totals.view = collector_->view();
  totals.collecting = [&programs] { return programs.attached(); };
  totals.refusal = programs.refusal();
  totals.missing = programs.missing();
  totals.functions = kernel_functions_.get();
  deferred_totals_ = std::make_unique<SharedDeferredTotals>(std::move(totals));
  coalescing_ = std::make_unique<HostCoalescing>(files_, SystemReadCoalescing);
}

}  // namespace hftmon
