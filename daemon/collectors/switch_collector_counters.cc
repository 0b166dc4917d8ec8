// The part of the switch collector that is about what threads count.
#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "daemon/collectors/switch_collector.h"
#include "daemon/os/cpu_topology.h"
#include "daemon/os/model_registers.h"
#include "daemon/os/perf_event_facts.h"
#include "daemon/os/privileges.h"
#include "daemon/pmu/event_attributes.h"
#include "daemon/pmu/host_counters.h"

namespace hftmon {
namespace {

constexpr uint64_t kCounterRingsBytes = 4u << 20;  // all CPUs together
constexpr uint64_t kCounterSpansMin = 64;          // of a CPU, however many there are

}  // namespace

uint32_t SwitchCollector::CounterSpansPerRing(uint32_t cpus) {
  const uint64_t spans = std::bit_floor(kCounterRingsBytes / cpus / HFT_COUNTER_SPAN_BYTES);
  return static_cast<uint32_t>(std::clamp<uint64_t>(spans, kCounterSpansMin, HFT_COUNTER_SPANS_MAX));
}

void SwitchCollector::MakeCounterPrograms() {
  HostCounters host;
  host.calls = &perf_calls_;
  host.has_hypervisor = HasHypervisor();
  const auto facts = [this] { return ReadPerfEventFacts(FileRoot(), SystemCapabilities(), perf_calls_); };
  host.facts = facts();
  const EventEncoding page_faults{.name = "page-faults", .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_PAGE_FAULTS};
  counter_refusal_ = TryOpen(perf_calls_, page_faults, host.facts);
  CounterPrograms::Parts parts;
  parts.admit = [this](const std::string& what) { return gate_ == nullptr ? absl::OkStatus() : gate_->Admit(what); };
  parts.online = [] { return ReadOnlineCpus(FileRoot()); };
  parts.choose = [host, facts](const CounterWish& wish, uint64_t* cross_call_count) {
    HostCounters now = host;
    now.facts = facts();
    return ChooseHostCounters(now, wish, HFT_THREAD_COUNTERS, cross_call_count);
  };
  parts.calls = &perf_calls_;
  parts.facts = facts;
  parts.put_event = [this](uint32_t place, int event_fd) { return PutThreadCounter(place, event_fd); };
  parts.attach = [this](const std::string& program) { return object_->Link(program); };
  parts.cpus = [this] { return view_.cpu_counters; };
  parts.control = [this] { return view_.counter_control; };
  counter_programs_ = std::make_unique<CounterPrograms>(std::move(parts));
}

absl::Status SwitchCollector::PutThreadCounter(uint32_t place, int event_fd) {
  const absl::StatusOr<int> map_fd = object_->MapFd("thread_counter_events");
  if (!map_fd.ok()) return map_fd.status();
  const int failed = event_fd < 0 ? bpf_map_delete_elem(*map_fd, &place) : bpf_map_update_elem(*map_fd, &place, &event_fd, BPF_ANY);
  if (failed == 0) return absl::OkStatus();
  return absl::InternalError(fmt::format("event {} of CPU {} cannot be given to the programs: {}", place % HFT_THREAD_COUNTERS,
                                         place / HFT_THREAD_COUNTERS, strerror(errno)));
}

absl::Status SwitchCollector::PrepareCounterPrograms(const Options& options) {
  absl::StatusOr<std::vector<BpfObject::Program>> left_out = object_->LeaveOutMissing(CounterPrograms::ProgramNames());
  if (!left_out.ok()) return left_out.status();
  for (const BpfObject::Program& program : *left_out) {
    NoteMissing(program);
    counter_programs_->LeaveOut(program.name);
  }
  for (const std::string_view name : CounterPrograms::ProgramNames()) {
    const auto is_it = [name](const BpfObject::Program& program) { return program.name == name; };
    if (std::any_of(left_out->begin(), left_out->end(), is_it)) continue;
    if (absl::Status status = object_->KeepDetached(std::string(name)); !status.ok()) return status;
  }
  view_.counter_ring_spans = CounterSpansPerRing(view_.ring_count);
  const uint32_t threads = std::min(options.threads_max, options.counter_threads_max) + 1;
  for (absl::Status status : {object_->ResizeMap("cpu_counters", view_.ring_count), object_->ResizeMap("thread_counters", threads),
                              object_->ResizeMap("counter_rings", view_.ring_count, view_.counter_ring_spans * HFT_COUNTER_SPAN_BYTES),
                              object_->ResizeMap("thread_counter_events", view_.ring_count * HFT_THREAD_COUNTERS)}) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status SwitchCollector::MapCounters() {
  auto control = object_->MapArray("counter_control");
  auto cpus = object_->MapArray("cpu_counters");
  auto threads = object_->MapArray("thread_counters");
  auto rings = object_->MapArray("counter_rings");
  for (const absl::Status& status : {control.status(), cpus.status(), threads.status(), rings.status()}) {
    if (!status.ok()) return status;
  }
  view_.counter_control = reinterpret_cast<hft_counter_control*>(control->data);
  view_.cpu_counters = {reinterpret_cast<hft_cpu_counters*>(cpus->data), cpus->entries};
  view_.thread_counters = {reinterpret_cast<hft_thread_counters*>(threads->data), threads->entries};
  view_.counter_spans = {reinterpret_cast<hft_counter_span*>(rings->data), size_t{rings->entries} * view_.counter_ring_spans};
  return absl::OkStatus();
}

}  // namespace hftmon
