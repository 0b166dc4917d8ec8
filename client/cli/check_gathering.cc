#include "client/cli/check_gathering.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <utility>

#include "client/cli/interrupts_between.h"
#include "client/cli/locks_between.h"
#include "client/cli/memory_between.h"
#include "client/cli/network_between.h"
#include "common/cpu_list.h"

namespace hftmon {
namespace {

constexpr int64_t kThresholdMinNs = 1'000;  // the daemon takes no lower ones
constexpr int64_t kThresholdMaxNs = 60'000'000'000;
constexpr int32_t kSpikesMax = 20'000;
constexpr double kPercentiles[] = {50, 99, 99.999};

constexpr int64_t kSchedulingReadMaxNs = 5'000'000'000;
constexpr int64_t kSchedulingLookNs = 50'000'000;

int64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

// Single events are recorded from half of what is let pass: one that is near a limit has its moment and its cause.
int64_t HalfOf(int64_t limit_ns) {
  return std::clamp(limit_ns / 2, kThresholdMinNs, kThresholdMaxNs);
}

// The difference of two answers; without one of them the reason.
template <typename Answer, typename Difference>
auto BetweenOf(const absl::StatusOr<Answer>& first, const absl::StatusOr<Answer>& last, Difference difference)
    -> absl::StatusOr<decltype(difference(*first, *last))> {
  if (!first.ok()) return first.status();
  if (!last.ok()) return last.status();
  return difference(*first, *last);
}

v1::TargetRule RuleBetween(const v1::TargetRule& first, const v1::TargetRule& last) {
  v1::TargetRule between = last;
  std::map<std::pair<int32_t, std::string>, uint64_t> known;
  for (const v1::CpuVisit& visit : first.visits()) known[{visit.cpu(), visit.comm()}] = visit.count();
  for (v1::CpuVisit& visit : *between.mutable_visits()) {
    const auto found = known.find({visit.cpu(), visit.comm()});
    if (found != known.end()) visit.set_count(visit.count() - std::min(visit.count(), found->second));
  }
  between.set_unnamed_visit_count(last.unnamed_visit_count() - std::min(last.unnamed_visit_count(), first.unnamed_visit_count()));
  // Of a rule that others hold too it counts since they made it.
  if (last.holders_size() > 1) between.set_found_count(0);
  between.set_refused_count(last.refused_count() - std::min(last.refused_count(), first.refused_count()));
  return between;
}

// Longest stretches are of the whole time that is watched: the difference has none, and of this time none was longer.
v1::QueryInterruptsResponse WithStretches(v1::QueryInterruptsResponse between, const v1::QueryInterruptsResponse& last) {
  for (v1::ThreadInterrupts& row : *between.mutable_threads()) {
    for (const v1::ThreadInterrupts& now : last.threads()) {
      if (now.thread().tid() == row.thread().tid()) row.set_stretch_max_ns(now.stretch_max_ns());
    }
  }
  return between;
}

// Of this host, which is the daemon's: it listens on Unix sockets and the loopback alone. Without the file there is one.
size_t OnlineNodeCount() {
  std::ifstream file("/sys/devices/system/node/online");
  std::string line;
  std::getline(file, line);
  const auto nodes = ParseCpuList(line);
  return nodes.ok() && !nodes->empty() ? nodes->size() : 1;
}

// But for those that ended before.
bool AllAreRead(const v1::QueryThreadsResponse& threads) {
  return std::all_of(threads.threads().begin(), threads.threads().end(),
                     [](const v1::ScheduledThread& thread) { return thread.has_scheduling_read_monotonic_ns() || !thread.alive(); });
}

}  // namespace

CheckGathering::CheckGathering(const Client& client, const Client& by_host_numbers, CheckQuestion question)
    : client_(client), by_host_numbers_(by_host_numbers), question_(std::move(question)) {}

v1::AttachRequest CheckGathering::BaseRequest() const {
  v1::AttachRequest request;
  request.mutable_pids()->Add(question_.pids.begin(), question_.pids.end());
  if (!question_.cpus.empty()) request.add_selectors()->set_cpus(FormatCpuList(question_.cpus));
  // Of an interface nobody is a target; probe groups run while one asks: this process.
  if (question_.pids.empty() && question_.cpus.empty()) request.add_pids(getpid());
  const CheckLimits& limits = question_.limits;
  const int64_t shortest_ns = std::min({limits.Of("max_runqueue"), limits.Of("max_interruption"), limits.Of("max_fault")});
  request.mutable_options()->set_spike_threshold_ns(HalfOf(shortest_ns));
  if (Asks(CheckModule::kSyscall)) request.mutable_options()->set_blocked_threshold_ns(HalfOf(limits.Of("max_blocked")));
  return request;
}

std::vector<std::string> CheckGathering::ProbeGroups() const {
  std::vector<std::string> groups;
  if (Asks(CheckModule::kIrq) || Asks(CheckModule::kNetwork)) groups.push_back("irq");
  if (Asks(CheckModule::kMemory)) groups.push_back("memory");
  if (Asks(CheckModule::kSyscall)) groups.push_back("locks");
  if (Asks(CheckModule::kNetwork)) groups.push_back("network");
  return groups;
}

absl::Status CheckGathering::Remember(const absl::StatusOr<v1::AttachResponse>& attached) {
  if (!attached.ok()) return attached.status();
  host_pids_.clear();
  for (const v1::Target& target : attached->targets()) host_pids_.push_back(target.pid());
  for (const v1::TargetRule& rule : attached->rules()) rule_id_ = rule.id();
  return absl::OkStatus();
}

// Those that the daemon refuses are left out: it takes all of a request or nothing.
absl::Status CheckGathering::AttachOneByOne(const std::vector<std::string>& groups) {
  if (absl::Status status = Remember(client_.Attach(BaseRequest())); !status.ok()) return status;
  for (const std::string& group : groups) {
    v1::AttachRequest request = BaseRequest();
    request.mutable_options()->add_probe_groups(group);
    const auto attached = client_.Attach(request);
    if (!attached.ok()) refused_groups_[group] = WhyNot(attached.status());
  }
  return absl::OkStatus();
}

absl::Status CheckGathering::Attach() {
  const std::vector<std::string> groups = ProbeGroups();
  v1::AttachRequest request = BaseRequest();
  request.mutable_options()->mutable_probe_groups()->Add(groups.begin(), groups.end());
  absl::Status attached = Remember(client_.Attach(request));
  if (absl::IsFailedPrecondition(attached) || absl::IsInvalidArgument(attached)) attached = AttachOneByOne(groups);
  if (!attached.ok()) return attached;
  // Accesses to other nodes are counted where there are other nodes and the processor counts; where not, the module says so.
  if (Asks(CheckModule::kMemory) && OnlineNodeCount() > 1) {
    v1::AttachRequest counters = BaseRequest();
    counters.mutable_options()->set_cache(true);
    if (const auto counted = client_.Attach(counters); !counted.ok()) refused_groups_["cache"] = WhyNot(counted.status());
  }
  if (question_.tids.empty()) return absl::OkStatus();
  v1::QueryThreadsRequest threads;  // a thread that is not there is an error now, not when the run is over
  threads.mutable_pids()->Add(question_.pids.begin(), question_.pids.end());
  threads.mutable_tids()->Add(question_.tids.begin(), question_.tids.end());
  threads.set_window_ns(1'000'000'000);
  return client_.QueryThreads(threads).status();
}

absl::StatusOr<v1::QueryContextSwitchesResponse> CheckGathering::Switches(int64_t window_ns) const {
  v1::QueryContextSwitchesRequest request;
  if (!question_.pids.empty()) request.mutable_pids()->Add(host_pids_.begin(), host_pids_.end());
  request.set_window_ns(std::max<int64_t>(1, window_ns));
  for (const double percent : kPercentiles) request.add_percentiles(percent);
  return by_host_numbers_.QueryContextSwitches(request);
}

absl::StatusOr<v1::TargetRule> CheckGathering::Rule() const {
  const auto targets = by_host_numbers_.ListTargets();
  if (!targets.ok()) return targets.status();
  for (const v1::TargetRule& rule : targets->rules()) {
    if (rule.id() == rule_id_) return rule;
  }
  return absl::NotFoundError("the rule of these CPUs is gone: somebody detached it");
}

CheckGathering::Snapshot CheckGathering::Take(int64_t window_ns, bool with_lines) const {
  Snapshot snapshot;
  snapshot.at_ns = NowNs();
  const bool by_process = !question_.pids.empty();
  const auto add_pids = [&](auto* request) {
    if (by_process) request->mutable_pids()->Add(host_pids_.begin(), host_pids_.end());
  };
  if (Asks(CheckModule::kIrq) || Asks(CheckModule::kNetwork)) {
    v1::QueryInterruptsRequest request;
    add_pids(&request);
    request.set_with_lines(with_lines && Asks(CheckModule::kIrq));
    snapshot.interrupts = by_host_numbers_.QueryInterrupts(request);
  }
  if (window_ns > 0 && Asks(CheckModule::kIsolation)) snapshot.switches = Switches(window_ns);
  if (Asks(CheckModule::kMemory)) {
    v1::QueryMemoryRequest request;
    add_pids(&request);
    request.set_window_ns(std::max<int64_t>(1, window_ns));
    snapshot.memory = by_host_numbers_.QueryMemory(request);
  }
  if (Asks(CheckModule::kSyscall)) {
    v1::QueryLocksRequest request;
    add_pids(&request);
    request.set_window_ns(std::max<int64_t>(1, window_ns));
    snapshot.locks = by_host_numbers_.QueryLocks(request);
  }
  if (Asks(CheckModule::kNetwork)) {
    v1::QueryNetworkRequest request;
    add_pids(&request);
    request.set_interface(question_.interface);
    snapshot.network = by_host_numbers_.QueryNetwork(request);
  }
  if (rule_id_.has_value()) snapshot.rule = Rule();
  return snapshot;
}

CheckInputs CheckGathering::Between(const Snapshot& first, const Snapshot& last) const {
  CheckInputs inputs;
  inputs.modules = question_.modules;
  if (!question_.pids.empty()) inputs.pids = host_pids_;
  inputs.tids_given = !question_.tids.empty();
  inputs.cpus = question_.cpus;
  inputs.interface = question_.interface;
  inputs.online_cpu_count = question_.online_cpu_count;
  inputs.refused_groups = refused_groups_;
  inputs.begin_ns = first.at_ns;
  inputs.end_ns = last.at_ns;
  inputs.switches = last.switches;
  const auto span = BetweenOf(first.interrupts, last.interrupts, [](const auto& a, const auto& b) { return InterruptsBetween(a, b); });
  if (span.ok()) {
    inputs.interrupts = WithStretches(span->between, *last.interrupts);
    inputs.interrupts_duration_ns = span->duration_ns;
  } else {
    inputs.interrupts = span.status();
  }
  inputs.memory = BetweenOf(first.memory, last.memory, MemoryBetween);
  inputs.locks = BetweenOf(first.locks, last.locks, LocksBetween);
  inputs.network = BetweenOf(first.network, last.network, NetworkBetween);
  inputs.network_first = first.network;
  inputs.rule = BetweenOf(first.rule, last.rule, RuleBetween);
  return inputs;
}

absl::StatusOr<v1::QueryNumaResponse> CheckGathering::Numa() const {
  v1::QueryNumaRequest request;
  request.mutable_pids()->Add(host_pids_.begin(), host_pids_.end());
  request.set_pages_max(1);  // its counters are asked for, not where its pages lie
  if (OnlineNodeCount() > 1) return by_host_numbers_.QueryNuma(request);
  v1::QueryNumaResponse one;
  one.add_nodes();
  return one;
}

// Single events, scheduling and advice; nothing of a time in which the programs were off is told as if it had been quiet.
void CheckGathering::AskAtEnd(const v1::GetStatusResponse& before, const v1::GetStatusResponse& after, const Wait& wait,
                              CheckInputs* inputs) const {
  if (!question_.pids.empty()) AwaitScheduling(wait);
  inputs->lost_record_count = after.lost_records() - std::min(after.lost_records(), before.lost_records());
  inputs->off_ns = after.operation().off_total_ns() - before.operation().off_total_ns();
  const int64_t window_ns = std::max<int64_t>(1, NowNs() - inputs->begin_ns);
  v1::QueryThreadsRequest threads;
  threads.mutable_pids()->Add(question_.pids.begin(), question_.pids.end());
  threads.mutable_tids()->Add(question_.tids.begin(), question_.tids.end());
  threads.set_window_ns(window_ns);
  inputs->threads = client_.QueryThreads(threads);
  v1::DetectSpikesRequest spikes;
  if (!question_.pids.empty()) spikes.mutable_pids()->Add(host_pids_.begin(), host_pids_.end());
  spikes.set_window_ns(window_ns);
  spikes.set_threshold_ns(BaseRequest().options().spike_threshold_ns());
  spikes.set_blocked_threshold_ns(BaseRequest().options().blocked_threshold_ns());
  spikes.set_max_spikes(kSpikesMax);
  inputs->spikes = by_host_numbers_.DetectSpikes(spikes);
  if (inputs->spikes.ok()) {
    auto* told = inputs->spikes->mutable_spikes();
    const auto is_later = [inputs](const v1::Spike& spike) { return spike.start_monotonic_ns() > inputs->end_ns; };
    told->erase(std::remove_if(told->begin(), told->end(), is_later), told->end());
  }
  v1::RecommendRequest advice;
  if (!question_.pids.empty()) advice.mutable_pids()->Add(host_pids_.begin(), host_pids_.end());
  advice.set_window_ns(window_ns);
  inputs->advice = by_host_numbers_.Recommend(advice);
  if (Asks(CheckModule::kMemory)) inputs->numa = Numa();
  if (inputs->off_ns == 0) return;
  const absl::Status off = absl::FailedPreconditionError("the programs were off in that time (`hftmon off`): `hftmon on`, and check again");
  inputs->switches = off;
  inputs->interrupts = off;
  inputs->memory = off;
  inputs->locks = off;
  inputs->network = off;
  inputs->spikes = off;
}

// The daemon reads it once a second: of a thread that was attached just now it is not known yet to which CPUs it is bound.
void CheckGathering::AwaitScheduling(const Wait& wait) const {
  v1::QueryThreadsRequest request;
  request.mutable_pids()->Add(question_.pids.begin(), question_.pids.end());
  request.set_window_ns(1'000'000'000);
  const int64_t give_up_ns = NowNs() + kSchedulingReadMaxNs;
  for (auto threads = client_.QueryThreads(request); threads.ok() && !AllAreRead(*threads); threads = client_.QueryThreads(request)) {
    if (NowNs() > give_up_ns || !wait(NowNs() + kSchedulingLookNs)) return;
  }
}

absl::StatusOr<GatheredCheck> CheckGathering::Run(const Wait& wait) {
  const auto before = client_.GetStatus();
  if (!before.ok()) return before.status();
  const int pieces = question_.duration_ns >= kSegmentedMinNs ? kSegments : 1;
  GatheredCheck gathered;
  const Snapshot first = Take(0, false);
  Snapshot last = first;
  bool stopped = false;
  for (int i = 1; i <= pieces && !stopped; ++i) {
    stopped = !wait(first.at_ns + question_.duration_ns / pieces * i);
    Snapshot now = Take(NowNs() - last.at_ns, stopped || i == pieces);
    if (pieces > 1 && !stopped) gathered.segments.push_back(Between(last, now));
    last = std::move(now);
  }
  if (Asks(CheckModule::kIsolation)) last.switches = Switches(NowNs() - first.at_ns);
  const auto after = client_.GetStatus();
  if (!after.ok()) return after.status();
  if (after->daemon().pid() != before->daemon().pid() || after->daemon().uptime_ns() < before->daemon().uptime_ns()) {
    return absl::UnavailableError("hftmond was restarted meanwhile: two daemons' figures have no difference: check again");
  }
  gathered.inputs = Between(first, last);
  gathered.inputs.interrupted = stopped;
  if (stopped) gathered.segments.clear();
  AskAtEnd(*before, *after, wait, &gathered.inputs);
  for (CheckInputs& segment : gathered.segments) segment.threads = gathered.inputs.threads;
  gathered.time = after->time();
  return gathered;
}

}  // namespace hftmon
