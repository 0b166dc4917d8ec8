#include "tests/bench/own_programs.h"

#include <atomic>
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
  watcher_ = std::make_unique<ProcessWatcher>(collector_->view(), tasks_.get(), collector_.get(), nullptr);
}

void OwnPrograms::TurnOff() {
  registry_ = std::make_unique<TargetRegistry>(collector_->view(), tasks_.get(), collector_.get(), &clock_, TargetRegistry::Config{},
                                               [](const ThresholdSettings&) {});
  switch_ = std::make_unique<CollectionSwitch>(
      CollectionSwitch::Parts{.view = collector_->view(),
                              .registry = registry_.get(),
                              .clock = &clock_,
                              .sleep_ns = [](int64_t duration_ns) { workload::SleepUntil(workload::NowNs() + duration_ns); },
                              .conclusive = [](int64_t, int64_t) {}});
  OrAbort(switch_->TurnOff());
}

void OwnPrograms::Attach() {
  OrAbort(collector_->Attach());
}

void OwnPrograms::Watch(pid_t pid) {
  OrAbort(watcher_->Watch(OrAbort(watcher_->Find(static_cast<uint32_t>(pid))), 0));
}

void OwnPrograms::SetBit(pid_t pid, bool watched) {
  const auto tgid = static_cast<size_t>(pid);
  const std::atomic_ref<uint64_t> word(collector_->view().watched_bits[tgid / 64]);
  const uint64_t bit = uint64_t{1} << (tgid % 64);
  if (watched) word.fetch_or(bit, std::memory_order_relaxed);
  if (!watched) word.fetch_and(~bit, std::memory_order_relaxed);
}

void OwnPrograms::NameWakers(bool on, pid_t pid) {
  // Without any threshold no wait would ever be told, and so no record written.
  const WaitThresholds thresholds{.run_queue_ns = on ? static_cast<uint64_t>(kThresholdMaxNs) : HFT_NO_THRESHOLD};
  StoreThresholds(collector_->view(), thresholds, thresholds);
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

absl::Status OwnPrograms::AttachMemoryPrograms() {
  return collector_->memory_programs().demand().Attach();
}

void OwnPrograms::TellFaults(pid_t pid) {
  watcher_->slots().SetWishes(static_cast<uint32_t>(pid), {.probes = HFT_MEMORY, .waker = 0});
}

std::string OwnPrograms::WhyMissing(const std::string& program) const {
  for (const MissingProgram& missing : collector_->missing_programs()) {
    if (missing.name == program) return missing.attach_point + ": " + missing.reason;
  }
  return "";
}

}  // namespace hftmon::testing
