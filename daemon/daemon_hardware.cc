// The part of the composition root that tells what hardware and hypervisor do to CPUs.
#include <algorithm>
#include <string_view>
#include <vector>

#include "daemon/daemon.h"
#include "daemon/os/cpu_topology.h"
#include "daemon/os/model_registers.h"
#include "daemon/os/tsc.h"

namespace hftmon {

void Daemon::BuildHardware() {
  const HardwarePrograms& programs = collector_->hardware_programs();
  const auto collecting = [&programs] { return programs.attached(); };
  HardwareEvidenceBook::Parts book;
  book.view = collector_->view();
  book.spikes = spikes_.get();
  book.clock = clock_.get();
  book.collecting = collecting;
  book.siblings_of = [this](int cpu) { return ReadSmtSiblings(files_, cpu).value_or(std::vector<int>()); };
  book.clocks = [this](int64_t now_ns) { return clock_pairs_->Clocks(now_ns); };
  book.one_clock = TscIsInvariant();
  hardware_evidence_ = std::make_unique<HardwareEvidenceBook>(std::move(book));
  SharedHardwareTotals::Parts totals;
  totals.view = collector_->view();
  totals.files = files_;
  totals.vendor = ProcessorVendorName();
  totals.is_virtual = HasHypervisor();
  totals.why_not = [&programs](std::string_view name) { return programs.WhyNot(name); };
  totals.has_interrupt_program = [this](std::string_view program) {
    const std::vector<MissingProgram>& missing = collector_->missing_programs();
    return std::none_of(missing.begin(), missing.end(), [program](const MissingProgram& one) { return one.name == program; });
  };
  totals.collecting = collecting;
  totals.cross_calls = [&programs] { return programs.cross_call_count(); };
  totals.evidence = hardware_evidence_.get();
  hardware_totals_ = std::make_unique<SharedHardwareTotals>(std::move(totals));
}

}  // namespace hftmon
