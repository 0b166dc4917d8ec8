#include "tests/bench/own_programs.h"

#include <cstdio>
#include <cstdlib>

namespace hftmon::testing {
namespace {

void OrAbort(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "the daemon's programs: %s\n", std::string(status.message()).c_str());
  std::abort();
}

template <typename T>
T OrAbort(absl::StatusOr<T> result) {
  OrAbort(result.status());
  return *std::move(result);
}

}  // namespace

OwnPrograms::OwnPrograms() {
  tasks_ = OrAbort(TaskIterator::Create());
  collector_ = OrAbort(SwitchCollector::Create({.pid_bound = HFT_PID_LIMIT, .register_offset = OrAbort(tasks_->RegisterOffset())}));
  watcher_ = std::make_unique<ProcessWatcher>(collector_->view(), tasks_.get(), collector_.get());
}

void OwnPrograms::TurnOff() {
  registry_ = std::make_unique<TargetRegistry>(collector_->view(), tasks_.get(), collector_.get(), &clock_, TargetRegistry::Config{},
                                               [](const ThresholdSettings&) {});
  switch_ = std::make_unique<CollectionSwitch>(
      CollectionSwitch::Parts{.view = collector_->view(),
                              .registry = registry_.get(),
                              .clock = &clock_,
                              .sleep_ns = [](int64_t duration_ns) { workload::SleepUntil(workload::NowNs() + duration_ns); },
                              .conclusive_since = [](int64_t) {}});
  OrAbort(switch_->TurnOff());
}

void OwnPrograms::Attach() {
  OrAbort(collector_->Attach());
}

void OwnPrograms::Watch(pid_t pid) {
  OrAbort(watcher_->Watch(OrAbort(watcher_->Find(static_cast<uint32_t>(pid))), 0));
}

void OwnPrograms::NameWakers(bool on, pid_t pid) {
  // Without any threshold no wait would ever be told, and so no record written.
  collector_->view().controls->run_queue_threshold_ns = on ? kThresholdMaxNs : HFT_NO_THRESHOLD;
  if (pid != 0) watcher_->slots().SetWishes(static_cast<uint32_t>(pid), {.probes = 0, .waker = on ? 1u : 0u});
  DemandProgram& program = collector_->waker_program();
  if (on) OrAbort(program.Attach());
  if (on) return;
  program.Want(false);
  while (program.attached()) program.Settle();
}

void OwnPrograms::SumCalls(bool on, pid_t pid) {
  watcher_->slots().SetWishes(static_cast<uint32_t>(pid), {.probes = on ? HFT_CALLS : 0, .waker = 0});
}

std::string OwnPrograms::WhyMissing(const std::string& program) const {
  for (const MissingProgram& missing : collector_->missing_programs()) {
    if (missing.name == program) return missing.attach_point + ": " + missing.reason;
  }
  return "";
}

}  // namespace hftmon::testing
