// The part of the composition root that attaches and detaches what is wanted only while a target asks.
#include "daemon/daemon.h"

namespace hftmon {

std::array<std::pair<bool ProgramDemand::*, DemandProgram*>, 7> Daemon::DemandPrograms() {
  return {{{&ProgramDemand::wakers, &collector_->waker_program()},
           {&ProgramDemand::memory, &collector_->memory_programs().demand()},
           {&ProgramDemand::kernel_locks, &collector_->kernel_lock_programs().demand()},
           {&ProgramDemand::hardware, &collector_->hardware_programs().demand()},
           {&ProgramDemand::network, &collector_->network_programs().demand()},
           {&ProgramDemand::irq, &collector_->deferred_programs().demand()},
           {&ProgramDemand::returns, &collector_->return_programs().demand()}}};
}

absl::Status Daemon::AttachDemanded(const ProgramDemand& demand) {
  for (const auto& [wanted, program] : DemandPrograms()) {
    if (!(demand.*wanted)) continue;
    if (absl::Status status = program->Attach(); !status.ok()) return status;
  }
  if (!demand.counters.any()) return absl::OkStatus();
  absl::Status status = collector_->counter_programs().Attach(demand.counters);
  if (status.ok() && counter_thread_) counter_thread_->SetWanted(true);
  return status;
}

void Daemon::WantDemanded(const ProgramDemand& demand) {
  for (const auto& [wanted, program] : DemandPrograms()) program->Want(demand.*wanted);
  collector_->counter_programs().Want(demand.counters);
}

void Daemon::SettleDemand() {
  uint32_t attached = 0;
  for (const auto& [wanted, program] : DemandPrograms()) {
    program->Settle();
    attached = attached << 1 | (program->attached() ? 1u : 0u);
  }
  CounterPrograms& counters = collector_->counter_programs();
  counters.Settle();
  attached = attached << 1 | (counters.attached() ? 1u : 0u);
  if (counter_thread_) counter_thread_->SetWanted(counters.attached());
  counters.FollowCpus();
  collector_->memory_programs().FollowCpus();
  collector_->hardware_programs().FollowCpus();
  demand_cost_->Turn(attached);
}

}  // namespace hftmon
