// SampledPlace: sampling events of one thread or of one CPU, whose records the kernel writes into one ring. One event of Arm's statistical
// profiling instead: its ring tells what the hardware wrote into AUX memory beside it.
//
// One thread at a time; `calls` and `memory` outlive it. Costs as CounterGroup: opening, Enable and Disable interrupt the CPU where the
// sampled thread runs (or which is sampled), and so does Resume; Drain interrupts none and makes no system call. Opened switched off. A
// descriptor for each event, and the locked memory of ring and AUX.
#ifndef HFTMON_DAEMON_PMU_SAMPLED_PLACE_H_
#define HFTMON_DAEMON_PMU_SAMPLED_PLACE_H_

#include <linux/perf_event.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/perf/spe_data_source.h"
#include "daemon/os/perf_aux_ring.h"
#include "daemon/os/perf_event_calls.h"
#include "daemon/os/perf_ring.h"
#include "daemon/os/perf_ring_memory.h"
#include "daemon/os/perf_time_page.h"
#include "daemon/pmu/counter_group.h"

namespace hftmon {

struct SampledEvent {
  std::string name;  // for messages
  // Type, configs, period, sample_type, exclusions, precise_ip, clock. Overwritten: size, disabled, inherit, pinned, read_format,
  // sample_id_all, aux_watermark.
  perf_event_attr attributes = {};
  bool joins_previous = false;  // in one group with the event before it, which some processors ask for
  // Of Arm's statistical profiling: how its CPUs write data sources. It has a place of its own. Absent: its samples are records of the
  // ring.
  std::optional<SpeSourceEncoding> spe;
};

class SampledPlace {
 public:
  struct Options {
    size_t ring_pages = 64;  // a power of two
    // Of an event of Arm's statistical profiling, beside its ring; a power of two from 2 on. The hardware interrupts at each half of them.
    size_t aux_pages = 64;
    PerfEventRefusalFacts facts;
  };

  // Requires: events, the first of which joins none; one alone, where it has `spe`. Errors as CounterGroup::Open; RESOURCE_EXHAUSTED also:
  // the memory may not be locked.
  static absl::StatusOr<SampledPlace> Open(PerfEventCalls& calls, PerfRingMemory& memory, const CounterPlace& place,
                                           std::span<const SampledEvent> events, const Options& options);
  SampledPlace(SampledPlace&& other) noexcept;
  SampledPlace& operator=(SampledPlace&&) = delete;
  ~SampledPlace();

  absl::Status Enable();
  absl::Status Disable();
  // Of its first event, from the next overflow on: one sample for so many. False: the kernel will not, it goes on as before.
  bool SetPeriod(uint64_t period);
  // Switches on again what the kernel may have switched off for want of room; false: that did not happen, or it is off, or cannot be now.
  bool Resume();
  // As PerfRing::Drain; what was written stays to be read after Disable.
  size_t Drain(size_t records_max, absl::FunctionRef<void(const PerfRecord&)> visit) { return ring_->Drain(records_max, visit); }
  const PerfRingCounts& ring_counts() const { return ring_->counts(); }
  const CounterPlace& place() const { return place_; }
  PerfAuxRing* aux() { return aux_ ? &*aux_ : nullptr; }  // null: its events have none
  const PerfAuxRing* aux() const { return aux_ ? &*aux_ : nullptr; }
  std::optional<PerfTimeConversion> time_conversion() const { return ReadTimeConversion(mapped_); }
  size_t event_count() const { return members_.size(); }
  size_t memory_bytes() const { return mapped_.size() + mapped_aux_.size(); }  // locked

 private:
  struct Member {
    std::string name;
    int descriptor = -1;
    bool leads = false;
  };

  SampledPlace(PerfEventCalls& calls, PerfRingMemory& memory, const CounterPlace& place)
      : calls_(&calls), memory_(&memory), place_(place) {}

  absl::Status OpenMember(const SampledEvent& event, const Options& options);
  absl::Status MapRing(const Options& options);
  absl::Status MapAux(const Options& options);
  std::string WhatOf(const char* memory, size_t bytes) const;
  absl::Status Control(unsigned long request, const char* what);

  PerfEventCalls* calls_;
  PerfRingMemory* memory_;
  CounterPlace place_;
  std::vector<Member> members_;  // the first has the ring
  std::span<std::byte> mapped_;
  std::optional<PerfRing> ring_;  // always, once opened
  std::span<std::byte> mapped_aux_;
  std::optional<PerfAuxRing> aux_;
  bool on_ = false;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_SAMPLED_PLACE_H_
