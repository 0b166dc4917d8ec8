#include "daemon/service/evidence/service_evidence.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/cpu_list.h"
#include "daemon/control/target_options.h"
#include "daemon/os/cpu_topology.h"
#include "daemon/os/host_settings.h"
#include "daemon/os/named_processes.h"
#include "daemon/os/proc_affinity.h"
#include "daemon/service/evidence/cpu_sums.h"
#include "daemon/service/evidence/facts_of_counters.h"
#include "daemon/service/evidence/facts_of_interrupts.h"
#include "daemon/service/evidence/facts_of_lines.h"
#include "daemon/service/evidence/facts_of_locks.h"
#include "daemon/service/evidence/facts_of_migrations.h"
#include "daemon/service/evidence/facts_of_numa_balancing.h"
#include "daemon/service/evidence/facts_of_preemptions.h"
#include "daemon/service/evidence/facts_of_settings.h"
#include "daemon/service/evidence/facts_of_sleeps.h"
#include "daemon/service/evidence/facts_of_ticks.h"
#include "daemon/service/evidence/facts_of_visitors.h"
#include "daemon/service/evidence/host_facts.h"
#include "daemon/service/evidence/host_sums.h"
#include "daemon/service/evidence/late_starts.h"
#include "daemon/service/evidence/missing_evidence.h"
#include "daemon/service/evidence/missing_of_host.h"
#include "daemon/service/evidence/numa_evidence.h"
#include "daemon/service/evidence/real_time_limits.h"
#include "daemon/service/evidence/socket_sums.h"
#include "daemon/service/evidence/watched_visits.h"
#include "daemon/service/history_window.h"

namespace hftmon {
namespace {

// Of stat, counted from the one after the name: fields 9 and 18 of proc(5).
constexpr size_t kFlagsField = 6;
constexpr size_t kPriorityField = 15;
constexpr int kPriorityBase = 100;

// The fields of stat after the name; empty: there is no such task.
std::vector<std::string> ReadStat(const FileRoot& files, uint32_t pid, uint32_t tid) {
  const absl::StatusOr<std::string> stat = files.ReadFile(absl::StrCat("/proc/", pid, "/task/", tid, "/stat"));
  if (!stat.ok()) return {};
  const size_t name_end = stat->rfind(") ");  // a name may hold anything, what follows it may not
  if (name_end == std::string::npos) return {};
  return absl::StrSplit(stat->substr(name_end + 2), ' ');
}

std::optional<TaskFact> ReadTask(const FileRoot& files, uint32_t pid, uint32_t tid) {
  const std::vector<std::string> fields = ReadStat(files, pid, tid);
  TaskFact task;
  if (fields.size() <= kFlagsField || !absl::SimpleAtoi(fields[kFlagsField], &task.flags)) return std::nullopt;
  if (auto allowed = ReadAllowedCpus(files, pid, tid); allowed.ok()) task.allowed_cpus = *std::move(allowed);
  return task;
}

std::optional<int> ReadPriority(const FileRoot& files, uint32_t pid, uint32_t tid) {
  const std::vector<std::string> fields = ReadStat(files, pid, tid);
  int shown = 0;
  if (fields.size() <= kPriorityField || !absl::SimpleAtoi(fields[kPriorityField], &shown)) return std::nullopt;
  return shown + kPriorityBase;
}

bool IsOffCpu(SpikeKind kind) {
  return kind == SpikeKind::kPreempted || kind == SpikeKind::kRunQueue || kind == SpikeKind::kBlocked;
}

// Of all threads that were off their CPUs in the window or in its waits: what owners did then.
std::vector<OffCpuTime> CollectTimes(const SpikeHistory& history, const TargetSelection& selection, int64_t begin_ns, int64_t end_ns) {
  std::vector<OffCpuTime> times;
  int64_t since_ns = begin_ns;
  Spike spike;
  for (uint64_t left = history.ended().end(); left > 0;) {
    if (history.ended().Read(--left, &spike) != SeqRead::kOk || spike.detected_mono_ns < since_ns) break;
    if (!IsOffCpu(spike.kind)) continue;
    OffCpuTime time = OffCpuTimeOf(spike, end_ns);
    const bool in_window = time.end_mono_ns >= begin_ns && time.end_mono_ns <= end_ns;
    time.asked = in_window && spike.kind == SpikeKind::kBlocked && selection.Keeps(spike.thread) && IsLockWait(spike.call);
    if (time.asked) since_ns = std::min(since_ns, time.start_mono_ns);
    times.push_back(std::move(time));
  }
  return times;
}

CpuList Union(const CpuList& some, const CpuList& others) {
  std::set<int> cpus(some.begin(), some.end());
  cpus.insert(others.begin(), others.end());
  return {cpus.begin(), cpus.end()};
}

std::set<uint32_t> RunningPids(const TargetSelection& selection) {
  std::set<uint32_t> pids;
  for (const TargetInfo& target : selection.targets()) {
    if (target.state != TargetState::kEnded) pids.insert(target.pid);
  }
  return pids;
}

std::optional<std::string> BracketedWord(const FileRoot& files, std::string_view path) {
  const absl::StatusOr<std::string> text = files.ReadFile(path);
  if (!text.ok()) return std::nullopt;
  const auto value = ParseSetting(SettingForm::kBracketedWord, *text);
  if (!value.ok() || !std::holds_alternative<std::string>(*value)) return std::nullopt;
  return std::get<std::string>(*value);
}

std::optional<int64_t> Number(const FileRoot& files, std::string_view path) {
  const absl::StatusOr<std::string> text = files.ReadFile(path);
  int64_t number = 0;
  return text.ok() && absl::SimpleAtoi(*text, &number) && number >= 0 ? std::optional(number) : std::nullopt;
}

// Whether a target of the selection was sampled in the window.
bool AddSampledLines(const SampledLines* lines, const EvidenceContext& context, const TargetSelection& selection,
                     std::vector<Fact>* facts) {
  if (lines == nullptr) return false;
  std::vector<LineSampling> samplings = lines->Within(context.begin_mono_ns, context.end_mono_ns);
  std::erase_if(samplings, [&selection](const LineSampling& sampling) {
    return !selection.Keeps({.tid = sampling.pid, .tgid = sampling.pid, .start_ns = sampling.start_boottime_ns});
  });
  AddLineFacts(context, samplings, facts);
  return !samplings.empty();
}

using Clocks = std::map<uint16_t, int64_t>;  // CLOCK_MONOTONIC minus the run queue's, by CPU

Clocks ClocksOf(const ServiceCore& core, int64_t end_ns) {
  Clocks clocks;
  if (core.run_queue_clocks == nullptr) return clocks;
  for (const RunQueueClock& clock : core.run_queue_clocks->Clocks(end_ns)) clocks[clock.cpu] = clock.offset_ns;
  return clocks;
}

// Ran for a twentieth of the window or more: who sleeps on a CPU does not have it. `switches`: of the window; null: it had none.
bool WasBusy(const std::optional<ThreadTotal>& total, const ThreadWindow* switches, const Clocks& clocks, int64_t begin_ns,
             int64_t end_ns) {
  if (!total) return false;
  int64_t off_ns = switches == nullptr ? 0 : static_cast<int64_t>(switches->off_cpu_ns);
  if (total->departure) {
    const int64_t out_clock_ns = total->departure->out_clock_ns;
    const auto clock = clocks.find(total->departure->cpu);
    const int64_t out_ns = out_clock_ns < 0 ? -out_clock_ns : clock != clocks.end() ? out_clock_ns + clock->second : end_ns;
    off_ns += end_ns - std::clamp(out_ns, begin_ns, end_ns);
  }
  return 20 * off_ns <= 19 * (end_ns - begin_ns);
}

}  // namespace

ServiceEvidence::ServiceEvidence(Parts parts) : parts_(std::move(parts)), core_(parts_.core), book_([this] { return ReadSums(); }) {}

bool ServiceEvidence::WasAskedLately() const {
  const int64_t asked_ns = asked_mono_ns_.load(std::memory_order_relaxed);
  return asked_ns != kNever && core_.status->Now().monotonic_ns - asked_ns <= kNumaAskedNs;
}

EvidenceSnapshot ServiceEvidence::ReadSums() const {
  EvidenceSnapshot snapshot;
  snapshot.begun_mono_ns = core_.status->Now().monotonic_ns;
  std::set<uint32_t> pids;
  for (const TargetInfo& target : core_.targets->List()) {
    if (target.state != TargetState::kEnded && pids.size() < kEvidenceProcessesMax) pids.insert(target.pid);
  }
  for (const uint32_t pid : pids) {
    for (ThreadInterruptTotal& total : core_.interrupts->ThreadsOf(pid)) snapshot.threads[total.thread].interrupts = std::move(total);
    for (ThreadFaultTotal& total : core_.faults->ThreadsOf(pid)) {
      if (total.unavailable.empty()) snapshot.threads[total.thread].faults = std::move(total);
    }
  }
  if (core_.network != nullptr && core_.network->Read().collecting) AddSocketSums(*core_.network, pids, &snapshot);
  if (!pids.empty()) {
    snapshot.cpus = core_.interrupts->Cpus();
    AddHostSums(core_, parts_.hardware_sums, WasAskedLately(), &snapshot);
  }
  const std::vector<RuleInfo> rules = core_.targets->Rules();
  ReadCpuSums(core_, rules, Union(ReadReservedCpus(parts_.files).value_or(CpuList()), AuditedCpus(rules)), &snapshot);
  snapshot.mono_ns = core_.status->Now().monotonic_ns;
  return snapshot;
}

std::vector<ThreadKey> ServiceEvidence::ThreadsOf(const TargetSelection& selection) const {
  std::vector<ThreadKey> threads;
  std::set<uint32_t> pids;
  for (const TargetInfo& target : selection.targets()) {
    if (!pids.insert(target.pid).second) continue;
    for (const ThreadTotal& total : core_.totals->AllOf(target.pid)) {
      if (selection.Keeps(total.thread)) threads.push_back(total.thread);
    }
  }
  return threads;
}

EvidenceContext ServiceEvidence::ContextOf(const TargetSelection& selection, int64_t begin_ns, int64_t end_ns) const {
  EvidenceContext context;
  context.begin_mono_ns = begin_ns;
  context.end_mono_ns = end_ns;
  context.own_pid = parts_.own_pid;
  context.online_cpus = ReadOnlineCpus(parts_.files).value_or(CpuList());
  context.audited_cpus = AuditedCpus(core_.targets->Rules());
  context.reserved_cpus = Union(ReadReservedCpus(parts_.files).value_or(CpuList()), context.audited_cpus);
  context.task = [files = parts_.files](uint32_t pid, uint32_t tid) { return ReadTask(files, pid, tid); };
  context.name = [names = core_.names](uint32_t tid) { return names->NameOf(tid); };
  const Clocks clocks = ClocksOf(core_, end_ns);
  const WindowAnswer answer =
      core_.windows->Query(begin_ns, end_ns, [&selection](const ThreadKey& thread) { return selection.Keeps(thread); });
  std::map<ThreadKey, const ThreadWindow*, ThreadKeyOrder> windows;
  for (const ThreadWindow& window : answer.threads) windows[window.thread] = &window;
  // Of all targets, not of the selection alone: a command must not send anybody to another's CPU.
  TargetSelection all;
  all.SelectKnown(*core_.targets, google::protobuf::RepeatedField<int32_t>());
  for (const ThreadKey& thread : ThreadsOf(all)) {
    const std::optional<SeenScheduling> seen = core_.scheduling->Find(thread);
    if (!seen) continue;
    const absl::StatusOr<CpuList> allowed = ParseCpuList(seen->scheduling.cpus_allowed);
    const TargetInfo* target = all.TargetOf(thread);
    if (target != nullptr && IsVisitor(*target, allowed.value_or(CpuList()))) continue;
    const auto window = windows.find(thread);
    const ThreadWindow* switches = window == windows.end() ? nullptr : window->second;
    const bool busy = selection.Keeps(thread) && WasBusy(core_.totals->Find(thread), switches, clocks, begin_ns, end_ns);
    if (busy && seen->cpu >= 0) context.watched_cpus.insert(seen->cpu);
    if (!allowed.ok() || allowed->empty() || allowed->size() >= context.online_cpus.size()) continue;
    context.bound_cpus.insert(allowed->begin(), allowed->end());
  }
  return context;
}

MemoryLookups ServiceEvidence::LookupsOfMemory() const {
  MemoryLookups lookups;
  lookups.process = [this](uint32_t pid) {
    const absl::StatusOr<std::string> text = parts_.files.ReadFile(absl::StrCat("/proc/", pid, "/status"));
    return text.ok() ? ParseProcessMemory(*text) : ProcessMemory();
  };
  lookups.call = [this](int32_t stack) -> std::string {
    if (core_.sender_stacks == nullptr || stack < 0) return "other";
    std::vector<std::string> symbols;
    for (const StackFrame& frame : core_.sender_stacks->Find(stack).frames) symbols.push_back(frame.symbol);
    return CallOfStack(symbols);
  };
  lookups.thp_enabled = BracketedWord(parts_.files, "/sys/kernel/mm/transparent_hugepage/enabled");
  lookups.thp_defrag = BracketedWord(parts_.files, "/sys/kernel/mm/transparent_hugepage/defrag");
  return lookups;
}

SnapshotPair ServiceEvidence::SumsOf(const TargetSelection& selection, int64_t begin_ns, std::vector<MissingEvidence>* missing) const {
  SnapshotPair pair = book_.Around(begin_ns);
  if (pair.before == nullptr) return pair;
  // Sums do not say when: a pair across a time in which the programs were off is of less than it spans.
  if (core_.status->OffWithin(pair.before->mono_ns, pair.after->mono_ns) > 0) return {};
  auto kept = std::make_shared<EvidenceSnapshot>(*pair.after);
  std::erase_if(kept->threads, [&selection](const auto& entry) { return !selection.Keeps(entry.first); });
  AddMissingOfStarts(AddLateStarts(StartsOf(core_, selection), kept.get(), &pair), missing);
  pair.after = std::move(kept);
  return pair;
}

void ServiceEvidence::AddSpikeFacts(const TargetSelection& selection, const SnapshotPair& sums, EvidenceContext* context,
                                    EvidenceAnswer* answer) const {
  PreemptionFacts preemptions;
  LockFacts locks;
  SleepFacts sleeps;
  MappingLookup mappings(&core_.mappings, &selection);
  MemoryFacts memory(&mappings);
  InterruptFacts interrupts;
  VisitorFacts visitors;
  HostFacts host(core_, parts_.files);
  const Arrival arrival{.time = {.monotonic_ns = context->end_mono_ns}};
  HistoryWindow window(selection, context->end_mono_ns - context->begin_mono_ns, arrival);
  window.Walk(core_.spikes->ended(), [&](const Spike& spike) {
    answer->window.spike_sum_ns += spike.duration_ns;
    preemptions.Add(spike);
    locks.Add(spike);
    sleeps.Add(spike);
    memory.Add(spike);
    interrupts.Add(spike);
    visitors.Add(spike);
    host.Add(spike);
  });
  std::vector<Fact>* facts = &answer->facts;
  const PreemptionLookups classes{.priority = [this](uint32_t pid, uint32_t tid) { return ReadPriority(parts_.files, pid, tid); },
                                  .limits = ReadRealTimeLimits(parts_.files)};
  preemptions.ToFacts(*context, classes, facts);
  locks.ToFacts(*context, facts);
  sleeps.ToFacts(*context, facts);
  AddInversionFacts(*context, CollectTimes(*core_.spikes, selection, context->begin_mono_ns, context->end_mono_ns), facts);
  const size_t of_sums = facts->size();
  memory.ToFacts(*context, sums, LookupsOfMemory(), facts);
  interrupts.ToFacts(*context, sums, SettingsOfInterrupts(selection), facts);
  AddTickFacts(*context, sums, ReadNohzFullCpus(parts_.files).value_or(CpuList()), facts);
  AddVisitorFacts(visitors, sums, *context, facts);
  host.ToFacts(*context, sums, facts);
  if (sums.before != nullptr && sums.before->mono_ns - context->begin_mono_ns > kShorterNs) {
    for (size_t i = of_sums; i < facts->size(); ++i) (*facts)[i].quality.truncated = true;
  }
  if (!window.overwritten()) return;
  for (Fact& fact : *facts) fact.quality.truncated = true;
}

InterruptSettings ServiceEvidence::SettingsOfInterrupts(const TargetSelection& selection) const {
  InterruptSettings settings;
  const std::vector<ThreadKey> threads = ThreadsOf(selection);
  if (auto read = core_.affinities->Read(threads); read.ok()) settings.affinities = *std::move(read);
  const auto irqbalance = FindProcessesNamed(parts_.files, "irqbalance");
  settings.irqbalance = irqbalance.ok() && !irqbalance->empty();
  settings.queues = [this] { return ReadNetworkQueues(parts_.files); };
  return settings;
}

// Of all targets, whichever the question names: who comes onto the CPU is none of them.
void ServiceEvidence::AddVisitorFacts(const VisitorFacts& visitors, const SnapshotPair& sums, const EvidenceContext& context,
                                      std::vector<Fact>* facts) const {
  VisitorSettings settings;
  settings.stat_interval_s = Number(parts_.files, "/proc/sys/vm/stat_interval");
  if (const auto text = parts_.files.ReadFile("/sys/devices/virtual/workqueue/cpumask"); text.ok()) {
    if (const auto cpus = ParseSetting(SettingForm::kCpuMask, *text); cpus.ok()) settings.workqueue_cpus = std::get<CpuList>(*cpus);
  }
  TargetSelection all;
  all.SelectKnown(*core_.targets, google::protobuf::RepeatedField<int32_t>());
  std::vector<WatchedVisit> watched;
  // From the first snapshot on, as the tables of visits: the two count one thing, before and after it became a target.
  if (sums.before != nullptr) {
    watched = ReadWatchedVisits(core_, all, context.reserved_cpus, sums.before->mono_ns, context.end_mono_ns);
  }
  visitors.ToFacts(context, sums, watched, settings, facts);
}

absl::StatusOr<EvidenceAnswer> ServiceEvidence::Facts(const EvidenceWish& wish) {
  TargetSelection selection;
  const google::protobuf::RepeatedField<int32_t> pids(wish.pids.begin(), wish.pids.end());
  if (const grpc::Status selected = selection.Select(*core_.targets, pids); !selected.ok()) {
    return absl::NotFoundError(selected.error_message());
  }
  asked_mono_ns_.store(core_.status->Now().monotonic_ns, std::memory_order_relaxed);
  if (core_.sender_stacks != nullptr) core_.sender_stacks->Prepare();
  EvidenceAnswer answer;
  NumaEvidence numa(core_, parts_.files, selection);
  if (absl::Status looked = numa.LookAtMemory(wish, &answer); !looked.ok()) return looked;
  const int64_t end_ns = core_.status->Now().monotonic_ns;
  // Nothing was seen of them before they were attached: a rate of more time than that would be too low.
  const int64_t watched_ns = selection.targets().empty() ? 0 : selection.first_attached_mono_ns();
  const int64_t begin_ns = std::max({selection.WindowBegin(wish.window_ns, end_ns), wish.begin_mono_ns.value_or(0), watched_ns});
  answer.window = {.begin_mono_ns = std::min(begin_ns, end_ns), .end_mono_ns = end_ns};
  answer.window.lost_records = core_.status->LostBetween(answer.window.begin_mono_ns, end_ns);
  EvidenceContext context = ContextOf(selection, answer.window.begin_mono_ns, end_ns);
  context.lost_records = answer.window.lost_records > 0;
  numa.FillContext(&context);
  const SnapshotPair sums = SumsOf(selection, answer.window.begin_mono_ns, &answer.window.missing);
  AddSpikeFacts(selection, sums, &context, &answer);
  const WindowAnswer switches =
      core_.windows->Query(answer.window.begin_mono_ns, end_ns, [&selection](const ThreadKey& thread) { return selection.Keeps(thread); });
  AddMigrationFacts(context, switches.threads, &answer.facts);
  numa.AddFacts(wish, context, sums, &answer);
  if (core_.counter_history != nullptr) {
    const auto keeps = [&selection](const ThreadKey& thread) { return selection.Keeps(thread); };
    AddCounterFacts(context, core_.counter_history->Query(answer.window.begin_mono_ns, end_ns, keeps), &answer.facts);
  }
  const bool has_lines = AddSampledLines(parts_.sampled_lines, context, selection, &answer.facts);
  AddMissingOfHost(core_, context, has_lines, &answer.window.missing);
  AddMissingEvidence(selection, context, sums.before != nullptr, &answer.window.missing);
  AddMissingOfNumaSums(sums, &answer.window.missing);
  AddMissingOfCutSums(context, sums, &answer.window.missing);
  SettingSources settings{.files = parts_.files, .pids = RunningPids(selection), .coalescing = {}};
  if (wish.audit && core_.coalescing != nullptr) settings.coalescing = [this] { return core_.coalescing->Read(); };
  AddSettingFacts(context, settings, &answer.facts, &answer.window.missing);
  if (selection.targets().empty()) TellThatNoProcessIsWatched(wish.audit, !core_.targets->Rules().empty(), &answer.window.missing);
  if (!wish.kinds.empty()) {
    std::erase_if(answer.facts,
                  [&wish](const Fact& fact) { return std::find(wish.kinds.begin(), wish.kinds.end(), fact.kind) == wish.kinds.end(); });
  }
  return answer;
}

}  // namespace hftmon
