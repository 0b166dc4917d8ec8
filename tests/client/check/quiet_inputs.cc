#include "tests/client/check/quiet_inputs.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

void Name(v1::ThreadId* thread, int32_t tid, const std::string& comm) {
  thread->set_pid(kPid);
  thread->set_tid(tid);
  thread->set_comm(comm);
  thread->set_start_boottime_ns(tid);
}

void SetWindow(v1::Window* window) {
  window->set_begin_monotonic_ns(kBeginNs);
  window->set_end_monotonic_ns(kBeginNs + kDurationNs);
}

v1::QueryThreadsResponse Threads() {
  v1::QueryThreadsResponse answer;
  SetWindow(answer.mutable_window());
  v1::ScheduledThread* hot = answer.add_threads();
  Name(hot->mutable_thread(), kTid, "hot");
  hot->mutable_scheduling()->set_cpus_allowed("2");
  hot->set_cpu_time_ns(kDurationNs);
  v1::ScheduledThread* idle = answer.add_threads();
  Name(idle->mutable_thread(), kIdleTid, "idle");
  idle->mutable_scheduling()->set_cpus_allowed("0-3");
  return answer;
}

v1::QueryContextSwitchesResponse Switches() {
  v1::QueryContextSwitchesResponse answer;
  SetWindow(answer.mutable_window());
  Name(answer.add_threads()->mutable_thread(), kTid, "hot");
  Name(answer.add_threads()->mutable_thread(), kIdleTid, "idle");
  return answer;
}

v1::QueryInterruptsResponse Interrupts() {
  v1::QueryInterruptsResponse answer;
  answer.mutable_time()->set_monotonic_ns(kBeginNs + kDurationNs);
  v1::ThreadInterrupts* hot = answer.add_threads();
  Name(hot->mutable_thread(), kTid, "hot");
  hot->set_stretch_max_ns(4'000);
  answer.mutable_deferred()->set_collecting(true);
  v1::CpuInterrupts* cpu = answer.add_cpus();
  cpu->set_cpu(2);
  return answer;
}

v1::QueryMemoryResponse Memory() {
  v1::QueryMemoryResponse answer;
  SetWindow(answer.mutable_window());
  answer.set_fault_floor_ns(kFloorNs);
  v1::ThreadMemory* hot = answer.add_threads();
  Name(hot->mutable_thread(), kTid, "hot");
  hot->set_available(true);
  return answer;
}

v1::QueryLocksResponse Locks() {
  v1::QueryLocksResponse answer;
  SetWindow(answer.mutable_window());
  answer.set_blocked_floor_ns(500'000);
  v1::ThreadCalls* hot = answer.add_threads();
  Name(hot->mutable_thread(), kTid, "hot");
  hot->set_available(true);
  return answer;
}

v1::QueryNetworkResponse Network() {
  v1::QueryNetworkResponse answer;
  answer.set_collecting(true);
  v1::CpuNetwork* cpu = answer.add_cpus();
  cpu->set_cpu(2);
  cpu->set_net_rx_ns(0);
  cpu->set_net_rx_count(0);
  v1::ThreadNetwork* hot = answer.add_threads();
  Name(hot->mutable_thread(), kTid, "hot");
  hot->set_available(true);
  v1::SocketPath* socket = hot->add_sockets();
  socket->set_protocol("udp");
  socket->set_copied_count(5);
  socket->mutable_arrival_to_copy()->set_sum_ns(40'000);
  socket->mutable_arrival_to_copy()->set_longest_ns(10'000);
  return answer;
}

v1::DetectSpikesResponse Spikes() {
  v1::DetectSpikesResponse answer;
  SetWindow(answer.mutable_window());
  answer.set_floor_ns(kFloorNs);
  return answer;
}

}  // namespace

CheckInputs QuietInputs() {
  CheckInputs inputs;
  inputs.modules = {kCheckModules.begin(), kCheckModules.end()};
  inputs.pids = {kPid};
  inputs.online_cpu_count = 4;
  inputs.begin_ns = kBeginNs;
  inputs.end_ns = kBeginNs + kDurationNs;
  inputs.threads = Threads();
  inputs.switches = Switches();
  inputs.interrupts = Interrupts();
  inputs.interrupts_duration_ns = kDurationNs;
  inputs.memory = Memory();
  inputs.locks = Locks();
  inputs.network = Network();
  v1::QueryNumaResponse numa;
  numa.add_nodes();
  inputs.numa = numa;
  inputs.spikes = Spikes();
  inputs.advice = v1::RecommendResponse();
  return inputs;
}

CheckInputs QuietCpu() {
  CheckInputs inputs = QuietInputs();
  inputs.modules = {CheckModule::kIsolation, CheckModule::kIrq, CheckModule::kNetwork};
  inputs.pids.clear();
  inputs.cpus = {2};
  inputs.threads->clear_threads();
  inputs.switches->clear_threads();
  inputs.interrupts->clear_threads();
  inputs.rule = v1::TargetRule();
  return inputs;
}

v1::Spike* AddSpike(const std::string& kind, int64_t duration_ns, const std::string& cause, const std::string& actor, CheckInputs* inputs) {
  v1::Spike* spike = inputs->spikes->add_spikes();
  spike->set_id(static_cast<uint64_t>(inputs->spikes->spikes_size()));
  Name(spike->mutable_thread(), kTid, "hot");
  spike->set_cpu(2);
  spike->set_kind(kind);
  spike->set_start_monotonic_ns(kBeginNs + 1'000'000'000);
  spike->set_duration_ns(duration_ns);
  v1::Cause* first = spike->add_causes();
  first->set_kind(cause);
  first->set_duration_ns(duration_ns);
  first->mutable_actor()->set_name(actor);
  return spike;
}

ModuleResult ResultOf(CheckModule module, const CheckInputs& inputs, const CheckLimits& limits) {
  const CheckReport report = MakeReport(inputs, {}, limits);
  for (const ModuleResult& result : report.modules) {
    if (result.module == module) return result;
  }
  ADD_FAILURE() << NameOf(module) << " was not asked for";
  return {};
}

int64_t ValueOf(const ModuleResult& result, const std::string& key) {
  const CheckFigure* figure = result.Find(key);
  if (figure != nullptr && figure->value.has_value()) return *figure->value;
  ADD_FAILURE() << key << (figure == nullptr ? " is no figure" : " has no value: " + figure->reason);
  return -1;
}

const CheckFinding* FindingOf(const ModuleResult& result, const std::string& key) {
  for (const CheckFinding& finding : result.findings) {
    if (finding.figure == key) return &finding;
  }
  return nullptr;
}

std::string TextOf(const ModuleResult& result) {
  std::string text;
  for (const CheckFinding& finding : result.findings) text += std::string(NameOf(finding.severity)) + " " + finding.text + "\n";
  return text;
}

}  // namespace hftmon
