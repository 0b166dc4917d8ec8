#include "daemon/pmu/counter_group.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "common/perf/perf_read_values.h"

namespace hftmon {
namespace {

constexpr uint64_t kReadFormat = PERF_FORMAT_GROUP | PERF_FORMAT_ID | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
// A reading is nr, time enabled, time running, then of each event value, id and, where the kernel tells it, lost: all of 64 bits.
constexpr size_t kHeadWords = 3;
constexpr size_t kEventWordsMax = 3;

std::string Ordinal(size_t number) {
  const size_t teen = number % 100;
  const char* suffix = teen >= 11 && teen <= 13 ? "th" : number % 10 == 1 ? "st" : number % 10 == 2 ? "nd" : number % 10 == 3 ? "rd" : "th";
  return fmt::format("{}{}", number, suffix);
}

// An event that never happens and needs no counter.
CountedEvent Witness() {
  CountedEvent witness{.name = "dummy"};
  witness.attributes.type = PERF_TYPE_SOFTWARE;
  witness.attributes.config = PERF_COUNT_SW_DUMMY;
  return witness;
}

}  // namespace

std::string CounterPlace::ToString() const {
  if (tid == -1) return fmt::format("CPU {}", cpu);
  const std::string thread = tid == 0 ? "the calling thread" : fmt::format("thread {}", tid);
  return cpu == -1 ? thread : fmt::format("{} on CPU {}", thread, cpu);
}

CounterGroup::CounterGroup(CounterGroup&& other) noexcept
    : calls_(other.calls_),
      place_(other.place_),
      members_(std::exchange(other.members_, {})),
      event_count_(other.event_count_),
      tells_lost_(other.tells_lost_) {}

CounterGroup& CounterGroup::operator=(CounterGroup&& other) noexcept {
  if (this == &other) return *this;
  Close();
  calls_ = other.calls_;
  place_ = other.place_;
  members_ = std::exchange(other.members_, {});
  event_count_ = other.event_count_;
  tells_lost_ = other.tells_lost_;
  return *this;
}

CounterGroup::~CounterGroup() {
  Close();
}

void CounterGroup::Close() {
  // The leader last: without it each of the others would become a group of its own for a moment.
  for (auto member = members_.rbegin(); member != members_.rend(); ++member) calls_->Close(member->descriptor);
  members_.clear();
}

absl::StatusOr<CounterGroup> CounterGroup::Open(PerfEventCalls& calls, const CounterPlace& place, std::span<const CountedEvent> events,
                                                const Options& options) {
  if (events.empty() || events.size() > kGroupEventsMax) {
    return absl::InvalidArgumentError(
        fmt::format("a group counts 1 to {} events, not {}: make several groups of them", kGroupEventsMax, events.size()));
  }
  if (place.tid < -1 || place.cpu < -1 || (place.tid == -1 && place.cpu == -1)) {
    return absl::InvalidArgumentError(
        fmt::format("events are counted of a thread or of a CPU, not of thread {} on CPU {}: name one of them", place.tid, place.cpu));
  }
  if (place.tid == -1 && options.heirs != CounterHeirs::kNobody)
    return absl::InvalidArgumentError(fmt::format("{} has no heirs: a CPU's events count all its threads", place.ToString()));
  CounterGroup group(calls, place);
  group.members_.reserve(events.size() + 1);
  for (const CountedEvent& event : events) {
    if (absl::Status opened = group.OpenMember(event, options); !opened.ok()) return opened;
  }
  group.event_count_ = events.size();
  if (place.tid == -1 && events.size() == 1) {
    if (absl::Status opened = group.OpenMember(Witness(), options); !opened.ok()) return opened;
  }
  return group;
}

absl::Status CounterGroup::OpenMember(const CountedEvent& event, const Options& options) {
  const bool leads = members_.empty();
  const int leader = leads ? -1 : members_.front().descriptor;
  perf_event_attr attributes = event.attributes;
  attributes.size = sizeof(attributes);
  // Members follow their leader.
  attributes.disabled = leads ? 1 : 0;
  attributes.pinned = leads && options.pinned ? 1 : 0;
  attributes.inherit = options.heirs != CounterHeirs::kNobody ? 1 : 0;
  attributes.inherit_thread = options.heirs == CounterHeirs::kThreads ? 1 : 0;
  const auto open = [&] {
    attributes.read_format = read_format();
    return OpenRetrying(*calls_, attributes, place_.tid, place_.cpu, leader);
  };
  int descriptor = open();
  // A kernel before 6.0 does not know how to tell what was lost; all of a group are read alike.
  if (descriptor == -EINVAL && leads) {
    tells_lost_ = false;
    descriptor = open();
  }
  if (descriptor < 0) return Refused(-descriptor, event, attributes, options);
  members_.push_back({.name = event.name, .descriptor = descriptor, .sampled = attributes.sample_period != 0});
  const int told = calls_->Control(descriptor, PERF_EVENT_IOC_ID, reinterpret_cast<unsigned long>(&members_.back().id));
  if (told == 0) return absl::OkStatus();
  return absl::InternalError(
      fmt::format("{} of {}: the kernel does not tell the event's id: {}", event.name, place_.ToString(), std::strerror(-told)));
}

absl::Status CounterGroup::Refused(int error, const CountedEvent& event, const perf_event_attr& attributes, const Options& options) {
  const std::string what = fmt::format("{} of {}", event.name, place_.ToString());
  if (error == EINVAL && !members_.empty()) {
    // What is refused here and taken alone does not fit beside the others.
    perf_event_attr alone = attributes;
    alone.disabled = 1;
    const int opened = calls_->Open(alone, place_.tid, place_.cpu, -1, PERF_FLAG_FD_CLOEXEC);
    if (opened >= 0) {
      calls_->Close(opened);
      return absl::OutOfRangeError(fmt::format(
          "{}: the {} event of the group does not fit beside the {} before it ({}): this processor has no counter left for it, or "
          "another PMU counts it: put it into another group",
          what, Ordinal(members_.size() + 1), members_.size(), std::strerror(error)));
    }
  }
  if (error == EINVAL && members_.empty() && place_.cpu >= 0) {
    // A CPU beyond the kernel's last one takes no event at all.
    perf_event_attr any = Witness().attributes;
    any.size = sizeof(any);
    any.disabled = 1;
    const int opened = calls_->Open(any, place_.tid, place_.cpu, -1, PERF_FLAG_FD_CLOEXEC);
    if (opened >= 0) calls_->Close(opened);
    if (opened == -EINVAL) return PerfEventError(what, ExplainNoSuchCpu(place_.cpu));
  }
  PerfEventRefusalFacts facts = options.facts;
  if (error == ENOENT && !facts.hardware_pmu) {
    const int tried = TryCycleCounter(*calls_);
    if (tried == 0) facts.hardware_pmu = true;
    if (tried == ENOENT) facts.hardware_pmu = false;
  }
  return PerfEventError(what, ExplainPerfEventError(error, {.attributes = attributes, .tid = place_.tid, .cpu = place_.cpu}, facts));
}

absl::Status CounterGroup::Control(unsigned long request, const char* what) {
  const int result = calls_->Control(members_.front().descriptor, request, 0);
  if (result == 0) return absl::OkStatus();
  return absl::InternalError(
      fmt::format("the events of {} cannot be {}: {}: open them anew", place_.ToString(), what, std::strerror(-result)));
}

uint64_t CounterGroup::read_format() const {
  return kReadFormat | (tells_lost_ ? uint64_t{PERF_FORMAT_LOST} : 0);
}

absl::Status CounterGroup::Enable() {
  return Control(PERF_EVENT_IOC_ENABLE, "switched on");
}

absl::Status CounterGroup::Disable() {
  return Control(PERF_EVENT_IOC_DISABLE, "switched off");
}

absl::StatusOr<std::vector<CounterReading>> CounterGroup::Read() const {
  // One word more than it may be long: a longer one shows.
  std::array<std::byte, (kHeadWords + kEventWordsMax * kGroupEventsMax + 1) * sizeof(uint64_t)> buffer;
  const ssize_t bytes = ReadRetrying(*calls_, members_.front().descriptor, buffer);
  if (bytes == 0) {
    return absl::ResourceExhaustedError(fmt::format(
        "the {} events of {} had to do without counters, which others held, and stay so: count fewer, end other users of perf, or do not "
        "pin them; then open them anew",
        size(), place_.ToString()));
  }
  if (bytes == -ECHILD) {
    return absl::UnavailableError(fmt::format(
        "the events of {} and of its heirs are no longer the same group (a CPU went offline): open it anew", place_.ToString()));
  }
  if (bytes < 0) {
    return absl::InternalError(
        fmt::format("the events of {} cannot be read: {}: open them anew", place_.ToString(), std::strerror(static_cast<int>(-bytes))));
  }
  return Decode(std::span<const std::byte>(buffer).first(std::min(static_cast<size_t>(bytes), buffer.size())));
}

absl::StatusOr<std::vector<CounterReading>> CounterGroup::Decode(std::span<const std::byte> bytes) const {
  const auto odd = [&](std::string_view why) {
    return absl::InternalError(
        fmt::format("the kernel's reading of {} is not understood: {} ({} bytes)", place_.ToString(), why, bytes.size()));
  };
  const absl::StatusOr<PerfReadValues> values = PerfReadValues::Parse(read_format(), bytes);
  if (!values.ok()) return odd(std::string(values.status().message()));
  const bool whole = values->byte_count() == bytes.size();
  if (values->size() < members_.size() && whole) {
    return absl::UnavailableError(
        fmt::format("the kernel took the group of {} apart, as it does when its CPU goes offline: open it anew when the CPU is online",
                    place_.ToString()));
  }
  if (values->size() != members_.size()) return odd(fmt::format("{} events instead of {}", values->size(), members_.size()));
  if (!whole) return odd("its length does not fit its events");
  std::vector<std::optional<CounterReading>> found(members_.size());
  for (size_t i = 0; i < members_.size(); ++i) {
    const PerfReadValue read = values->at(i);
    // As a rule in order.
    size_t member = i;
    if (members_[member].id != *read.id) {
      for (member = 0; member < members_.size() && members_[member].id != *read.id;) ++member;
    }
    if (member == members_.size()) return odd(fmt::format("an event with id {} is none of the group", *read.id));
    if (found[member]) return odd(fmt::format("the event with id {} is there twice", *read.id));
    found[member] = CounterReading{
        .value = read.value, .enabled_ns = *values->enabled_ns(), .running_ns = *values->running_ns(), .sampled = members_[member].sampled};
    if (read.lost) found[member]->lost = *read.lost;
  }
  // As many as members, none twice: all are there.
  std::vector<CounterReading> readings;
  readings.reserve(size());
  for (size_t event = 0; event < size(); ++event) readings.push_back(*found[event]);
  return readings;
}

}  // namespace hftmon
