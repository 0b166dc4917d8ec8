#include "daemon/pmu/sampled_place.h"

#include <fmt/format.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

namespace hftmon {
namespace {

constexpr size_t kRingPagesMax = size_t{1} << 16;
constexpr size_t kAuxPagesMin = 2;

// Why memory of an event could not be mapped.
absl::Status MapError(const std::string& what, int error) {
  const std::string why = fmt::format("{}: {}", what, std::strerror(error));
  if (error != EPERM && error != ENOMEM && error != EAGAIN) return absl::FailedPreconditionError(why);
  return absl::ResourceExhaustedError(
      fmt::format("{}: as much memory may not be locked: give hftmond CAP_IPC_LOCK, raise sysctl kernel.perf_event_mlock_kb, or take "
                  "smaller rings",
                  why));
}

}  // namespace

SampledPlace::SampledPlace(SampledPlace&& other) noexcept
    : calls_(other.calls_),
      memory_(other.memory_),
      place_(other.place_),
      members_(std::exchange(other.members_, {})),
      mapped_(std::exchange(other.mapped_, {})),
      ring_(std::move(other.ring_)),
      mapped_aux_(std::exchange(other.mapped_aux_, {})),
      aux_(std::move(other.aux_)),
      on_(other.on_) {}

SampledPlace::~SampledPlace() {
  if (!mapped_aux_.empty()) memory_->Unmap(mapped_aux_);
  if (!mapped_.empty()) memory_->Unmap(mapped_);
  // Whoever leads, or has the ring, last.
  for (auto member = members_.rbegin(); member != members_.rend(); ++member) calls_->Close(member->descriptor);
}

absl::StatusOr<SampledPlace> SampledPlace::Open(PerfEventCalls& calls, PerfRingMemory& memory, const CounterPlace& place,
                                                std::span<const SampledEvent> events, const Options& options) {
  if (!std::has_single_bit(options.ring_pages) || options.ring_pages > kRingPagesMax) {
    return absl::InvalidArgumentError(fmt::format("a ring of perf records has a power of two of pages, at most {}, not {}: choose another",
                                                  kRingPagesMax, options.ring_pages));
  }
  if (!std::has_single_bit(options.aux_pages) || options.aux_pages < kAuxPagesMin || options.aux_pages > kRingPagesMax) {
    return absl::InvalidArgumentError(fmt::format("AUX memory has a power of two of pages, {} to {}, not {}: choose another", kAuxPagesMin,
                                                  kRingPagesMax, options.aux_pages));
  }
  SampledPlace sampled(calls, memory, place);
  sampled.members_.reserve(events.size());
  for (const SampledEvent& event : events) {
    if (absl::Status opened = sampled.OpenMember(event, options); !opened.ok()) return opened;
    if (sampled.members_.size() > 1) continue;
    if (absl::Status mapped = sampled.MapRing(options); !mapped.ok()) return mapped;
    if (!event.spe) continue;
    if (absl::Status mapped = sampled.MapAux(options); !mapped.ok()) return mapped;
  }
  return sampled;
}

absl::Status SampledPlace::OpenMember(const SampledEvent& event, const Options& options) {
  perf_event_attr attributes = event.attributes;
  attributes.size = sizeof(attributes);
  attributes.disabled = event.joins_previous ? 0 : 1;  // members follow their leader
  attributes.inherit = 0;                              // the kernel gives no ring to a thread with heirs
  attributes.pinned = 0;
  attributes.read_format = 0;
  attributes.sample_id_all = 1;
  // One half is read while the hardware writes the other.
  if (event.spe) attributes.aux_watermark = static_cast<uint32_t>(options.aux_pages * memory_->page_bytes() / 2);
  int leader = -1;
  for (const Member& member : members_) {
    if (event.joins_previous && member.leads) leader = member.descriptor;
  }
  const int descriptor = OpenRetrying(*calls_, attributes, place_.tid, place_.cpu, leader);
  const std::string what = fmt::format("{} of {}", event.name, place_.ToString());
  if (descriptor < 0) {
    const PerfEventRequest request{.attributes = attributes, .tid = place_.tid, .cpu = place_.cpu};
    return PerfEventError(what, ExplainPerfEventError(-descriptor, request, options.facts));
  }
  members_.push_back({.name = event.name, .descriptor = descriptor, .leads = !event.joins_previous});
  if (members_.size() == 1) return absl::OkStatus();
  const int redirected = calls_->Control(descriptor, PERF_EVENT_IOC_SET_OUTPUT, static_cast<unsigned long>(members_.front().descriptor));
  if (redirected == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format("{}: its samples cannot go into the ring of {}: {}: sample them apart", what,
                                                   members_.front().name, std::strerror(-redirected)));
}

std::string SampledPlace::WhatOf(const char* memory, size_t bytes) const {
  return fmt::format("the {} of {} of {}, {} bytes", memory, members_.front().name, place_.ToString(), bytes);
}

absl::Status SampledPlace::MapRing(const Options& options) {
  const size_t page_bytes = memory_->page_bytes();
  const size_t bytes = (1 + options.ring_pages) * page_bytes;
  const PerfRingMapping mapping = memory_->Map(members_.front().descriptor, bytes);
  const std::string what = WhatOf("ring", bytes);
  if (mapping.memory.empty()) return MapError(what, mapping.error);
  mapped_ = mapping.memory;
  absl::StatusOr<PerfRing> ring = PerfRing::Over(mapped_, page_bytes);
  if (!ring.ok()) return absl::Status(ring.status().code(), fmt::format("{}: {}", what, std::string(ring.status().message())));
  ring_.emplace(*std::move(ring));
  return absl::OkStatus();
}

absl::Status SampledPlace::MapAux(const Options& options) {
  const size_t bytes = options.aux_pages * memory_->page_bytes();
  const PerfRingMapping mapping = memory_->MapAux(members_.front().descriptor, PerfAuxRing::Ask(mapped_, bytes), bytes);
  const std::string what = WhatOf("AUX memory", bytes);
  if (mapping.memory.empty()) return MapError(what, mapping.error);
  mapped_aux_ = mapping.memory;
  absl::StatusOr<PerfAuxRing> aux = PerfAuxRing::Over(mapped_, mapped_aux_, memory_->page_bytes());
  if (!aux.ok()) return absl::Status(aux.status().code(), fmt::format("{}: {}", what, std::string(aux.status().message())));
  aux_.emplace(*std::move(aux));
  return absl::OkStatus();
}

absl::Status SampledPlace::Control(unsigned long request, const char* what) {
  absl::Status status;
  for (const Member& member : members_) {
    if (!member.leads) continue;
    const int result = calls_->Control(member.descriptor, request, 0);
    if (result != 0 && status.ok()) {
      status = absl::InternalError(
          fmt::format("{} of {}: the kernel does not {} it: {}", member.name, place_.ToString(), what, std::strerror(-result)));
    }
  }
  return status;
}

absl::Status SampledPlace::Enable() {
  on_ = true;
  return Control(PERF_EVENT_IOC_ENABLE, "switch on");
}

absl::Status SampledPlace::Disable() {
  on_ = false;
  return Control(PERF_EVENT_IOC_DISABLE, "switch off");
}

bool SampledPlace::SetPeriod(uint64_t period) {
  return calls_->Control(members_.front().descriptor, PERF_EVENT_IOC_PERIOD, reinterpret_cast<unsigned long>(&period)) == 0;
}

bool SampledPlace::Resume() {
  if (!on_ || !aux_ || !aux_->stopped() || !Control(PERF_EVENT_IOC_ENABLE, "switch on again").ok()) return false;
  aux_->Resumed();
  return true;
}

}  // namespace hftmon
