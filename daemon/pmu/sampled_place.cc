#include "daemon/pmu/sampled_place.h"

#include <fmt/format.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

namespace hftmon {
namespace {

constexpr size_t kRingPagesMax = size_t{1} << 16;

}  // namespace

SampledPlace::SampledPlace(SampledPlace&& other) noexcept
    : calls_(other.calls_),
      memory_(other.memory_),
      place_(other.place_),
      members_(std::exchange(other.members_, {})),
      mapped_(std::exchange(other.mapped_, {})),
      ring_(std::move(other.ring_)) {}

SampledPlace::~SampledPlace() {
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
  SampledPlace sampled(calls, memory, place);
  sampled.members_.reserve(events.size());
  for (const SampledEvent& event : events) {
    if (absl::Status opened = sampled.OpenMember(event, options); !opened.ok()) return opened;
    if (sampled.members_.size() > 1) continue;
    if (absl::Status mapped = sampled.MapRing(options); !mapped.ok()) return mapped;
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

absl::Status SampledPlace::MapRing(const Options& options) {
  const size_t page_bytes = memory_->page_bytes();
  const size_t bytes = (1 + options.ring_pages) * page_bytes;
  const PerfRingMapping mapping = memory_->Map(members_.front().descriptor, bytes);
  const std::string what = fmt::format("the ring of {} of {}, {} bytes", members_.front().name, place_.ToString(), bytes);
  if (mapping.memory.empty()) {
    const std::string why = fmt::format("{}: {}", what, std::strerror(mapping.error));
    if (mapping.error != EPERM && mapping.error != ENOMEM && mapping.error != EAGAIN) return absl::FailedPreconditionError(why);
    return absl::ResourceExhaustedError(
        fmt::format("{}: as much memory may not be locked: give hftmond CAP_IPC_LOCK, raise sysctl kernel.perf_event_mlock_kb, or take "
                    "smaller rings",
                    why));
  }
  mapped_ = mapping.memory;
  absl::StatusOr<PerfRing> ring = PerfRing::Over(mapped_, page_bytes);
  if (!ring.ok()) return absl::Status(ring.status().code(), fmt::format("{}: {}", what, std::string(ring.status().message())));
  ring_.emplace(*std::move(ring));
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
  return Control(PERF_EVENT_IOC_ENABLE, "switch on");
}

absl::Status SampledPlace::Disable() {
  return Control(PERF_EVENT_IOC_DISABLE, "switch off");
}

}  // namespace hftmon
