// The part of the switch collector that is about work that interrupts put off.
#include <fmt/format.h>

#include "daemon/collectors/begun_deferrals.h"
#include "daemon/collectors/switch_collector.h"

namespace hftmon {

void SwitchCollector::MakeDeferredPrograms() {
  DeferredPrograms::Parts parts;
  parts.admit = [this](const std::string& what) { return gate_ == nullptr ? absl::OkStatus() : gate_->Admit(what); };
  parts.attach = [this](const std::string& program) { return object_->Link(program); };
  parts.begin = [this] { ForgetBegunDeferrals(view_); };
  deferred_programs_ = std::make_unique<DeferredPrograms>(std::move(parts));
}

// A part whose tracepoints this kernel lacks is left out whole.
absl::Status SwitchCollector::PrepareDeferredPrograms() {
  absl::StatusOr<std::vector<BpfObject::Program>> missing = object_->LeaveOutMissing(DeferredPrograms::Names());
  if (!missing.ok()) return missing.status();
  for (const BpfObject::Program& program : *missing) {
    const std::string reason = fmt::format("this kernel has no tracepoint {}", program.section.substr(program.section.rfind('/') + 1));
    deferred_programs_->LeaveOut(program.name, reason);
    missing_programs_.push_back({program.name, program.section, reason});
  }
  for (const std::string_view name : DeferredPrograms::Names()) {
    const std::string program(name);
    absl::Status status = deferred_programs_->IsLeftOut(name) ? object_->LeaveOut(program) : object_->KeepDetached(program);
    if (!status.ok()) return status;
  }
  return object_->ResizeMap("deferred", view_.ring_count);
}

absl::Status SwitchCollector::MapDeferred() {
  auto deferred = object_->MapArray("deferred");
  auto works = object_->MapArray("deferred_works");
  auto workers = object_->MapArray("deferred_workers");
  auto threads = object_->MapArray("irq_threads");
  auto waiting = object_->MapArray("irq_threads_waiting");
  auto running = object_->MapArray("softirqs_running");
  for (const absl::Status& status :
       {deferred.status(), works.status(), workers.status(), threads.status(), waiting.status(), running.status()}) {
    if (!status.ok()) return status;
  }
  view_.deferred = {reinterpret_cast<hft_cpu_deferred*>(deferred->data), deferred->entries};
  view_.begun_works = {reinterpret_cast<uint64_t*>(works->data), works->entries};
  view_.begun_workers = {reinterpret_cast<uint64_t*>(workers->data), workers->entries};
  view_.irq_threads = {reinterpret_cast<hft_irq_thread*>(threads->data), threads->entries};
  view_.irq_threads_waiting = reinterpret_cast<uint64_t*>(waiting->data);
  view_.softirqs_running = {reinterpret_cast<hft_softirq_cpus*>(running->data), running->entries};
  return absl::OkStatus();
}

}  // namespace hftmon
