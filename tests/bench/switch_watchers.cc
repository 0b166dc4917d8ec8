#include "tests/bench/switch_watchers.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "empty_hook.skel.h"

namespace hftmon::testing {
namespace {

// As runqlat.bt of bpftrace: a time stamp at each wake-up and preemption, a histogram at each switch-in. The tick comes last: when it
// speaks, the other probes are attached.
constexpr char kRunQueueHistogram[] = R"(
tracepoint:sched:sched_wakeup, tracepoint:sched:sched_wakeup_new { @queued[args->pid] = nsecs; }
tracepoint:sched:sched_switch {
  if (args->prev_state == 0) { @queued[args->prev_pid] = nsecs; }
  $since = @queued[args->next_pid];
  if ($since) { @run_queue_us = hist((nsecs - $since) / 1000); }
  delete(@queued[args->next_pid]);
}
interval:ms:100 { printf("begun\n"); }
)";

// perf acknowledges "enable" when its events count.
constexpr char kPerfScript[] = R"(
exec 8<>"$1.control" 9<>"$1.ack"
perf sched record -D -1 --control fd:8,9 -o "$1" >/dev/null &
perf=$!
echo enable >&8
head -n 1 <&9 >/dev/null
echo begun
read -r line
kill -INT $perf
wait $perf
)";

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

EmptyHook::EmptyHook() : hook_(empty_hook_bpf__open_and_load()) {
  if (hook_ != nullptr && empty_hook_bpf__attach(hook_) == 0) return;
  std::perror("empty hook: cannot be attached (root and a kernel with BTF are needed)");
  std::abort();
}

EmptyHook::~EmptyHook() {
  empty_hook_bpf__destroy(hook_);
}

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
  if (pid != 0) watcher_->slots().SetWishes(static_cast<uint32_t>(pid), {.stacks = 0, .waker = on ? 1u : 0u});
  DemandProgram& program = collector_->waker_program();
  if (on) OrAbort(program.Attach());
  if (on) return;
  program.Want(false);
  while (program.attached()) program.Settle();
}

std::unique_ptr<ForeignTool> ForeignTool::Start(const std::vector<std::string>& command, int cpu, const std::string& word, bool by_input,
                                                std::string* why_not) {
  Subprocess::Options options;
  options.cpus = {cpu};
  auto process = std::make_unique<Subprocess>(command, options);
  for (std::optional<std::string> line = process->ReadLine(20'000); line; line = process->ReadLine(20'000)) {
    if (*line == word) return std::unique_ptr<ForeignTool>(new ForeignTool(std::move(process), by_input));
  }
  *why_not = process->ErrorText();
  if (why_not->empty()) *why_not = "it did not begin within 20 s";
  return nullptr;
}

std::unique_ptr<ForeignTool> ForeignTool::PerfSchedRecord(int cpu, const std::string& file, std::string* why_not) {
  RunCommand({"rm", "-f", file + ".control", file + ".ack"});
  RunCommand({"mkfifo", file + ".control", file + ".ack"});
  return Start({"sh", "-c", kPerfScript, "sh", file}, cpu, "begun", true, why_not);
}

std::unique_ptr<ForeignTool> ForeignTool::BpftraceHistogram(int cpu, std::string* why_not) {
  return Start({"bpftrace", "-q", "-e", kRunQueueHistogram}, cpu, "begun", false, why_not);
}

ForeignTool::~ForeignTool() {
  if (by_input_) {
    process_->WriteLine("stop");
  } else {
    process_->Signal(SIGINT);
  }
  process_->ReadAll(60'000);
  process_->Wait();
}

}  // namespace hftmon::testing
