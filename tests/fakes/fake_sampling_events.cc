#include "tests/fakes/fake_sampling_events.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace hftmon {

FakeSamplingEvents::~FakeSamplingEvents() {
  EXPECT_TRUE(events_.empty()) << events_.size() << " descriptors are left open";
  EXPECT_TRUE(rings_.empty()) << rings_.size() << " rings are left mapped";
}

absl::StatusOr<std::vector<pid_t>> FakeSamplingEvents::List() const {
  if (threads.empty()) return absl::NotFoundError("it ended");
  return std::vector<pid_t>(threads.rbegin(), threads.rend());
}

int FakeSamplingEvents::TakeError(std::deque<int>* errors) {
  if (errors->empty()) return 0;
  const int error = errors->front();
  errors->pop_front();
  return error;
}

int FakeSamplingEvents::Open(const perf_event_attr& attributes, pid_t tid, int cpu, int group, unsigned long flags) {
  EXPECT_EQ(flags, static_cast<unsigned long>(PERF_FLAG_FD_CLOEXEC)) << "a descriptor that a child would inherit";
  if (before_open) before_open(tid);
  if (const int error = TakeError(&open_errors); error != 0) return -error;
  if (attributes.size != sizeof(attributes)) return -E2BIG;
  if (tid == -1 && (cpu < 0 || cpu >= cpu_count)) return cpu < 0 ? -EINVAL : -ENODEV;
  if (tid != -1 && !threads.contains(tid)) return -ESRCH;
  if (group != -1) {
    EXPECT_TRUE(events_.contains(group) && events_[group].leader == -1) << "descriptor " << group << " leads no group";
    EXPECT_EQ(events_[group].tid, tid);
    // A group has one clock.
    const perf_event_attr& leader = events_[group].attributes;
    if (leader.use_clockid != attributes.use_clockid || leader.clockid != attributes.clockid) return -EINVAL;
  }
  const int descriptor = next_descriptor_++;
  events_[descriptor] = {.attributes = attributes, .tid = tid, .cpu = cpu, .leader = group, .on = !attributes.disabled};
  return descriptor;
}

ssize_t FakeSamplingEvents::Read(int descriptor, std::span<std::byte> to) {
  if (reading) {
    const std::vector<uint64_t> words = reading(descriptor);
    const size_t bytes = std::min(to.size(), words.size() * sizeof(uint64_t));
    std::memcpy(to.data(), words.data(), bytes);
    return static_cast<ssize_t>(bytes);
  }
  ADD_FAILURE() << "descriptor " << descriptor << " is read: samples come through the ring";
  return -EINVAL;
}

int FakeSamplingEvents::Control(int descriptor, unsigned long request, unsigned long argument) {
  if (!events_.contains(descriptor)) {
    ADD_FAILURE() << "request " << request << " to descriptor " << descriptor << ", which is not open";
    return -EBADF;
  }
  if (const int error = TakeError(&control_errors); error != 0) return -error;
  Event& event = events_[descriptor];
  switch (request) {
    case PERF_EVENT_IOC_ENABLE:
    case PERF_EVENT_IOC_DISABLE:
      event.on = request == PERF_EVENT_IOC_ENABLE;
      return 0;
    case PERF_EVENT_IOC_PERIOD:
      event.attributes.sample_period = *reinterpret_cast<const uint64_t*>(argument);
      return 0;
    case PERF_EVENT_IOC_ID:
      *reinterpret_cast<uint64_t*>(argument) = IdOf(descriptor);
      return 0;
    case PERF_EVENT_IOC_SET_OUTPUT: {
      const int output = static_cast<int>(argument);
      if (!rings_.contains(output) || rings_.contains(descriptor)) return -EINVAL;
      if (events_[output].tid != event.tid || events_[output].cpu != event.cpu) return -EINVAL;
      if (events_[output].attributes.clockid != event.attributes.clockid) return -EINVAL;
      event.output = output;
      return 0;
    }
    default:
      ADD_FAILURE() << "request " << request << " is none that sampling needs";
      return -ENOTTY;
  }
}

void FakeSamplingEvents::Close(int descriptor) {
  EXPECT_EQ(events_.erase(descriptor), 1u) << "descriptor " << descriptor << " is closed, which is not open";
}

PerfRingMapping FakeSamplingEvents::Map(int descriptor, size_t bytes) {
  if (const int error = TakeError(&map_errors); error != 0) return {.memory = {}, .error = error};
  if (!events_.contains(descriptor) || rings_.contains(descriptor)) {
    ADD_FAILURE() << "descriptor " << descriptor << " is not open, or has a ring";
    return {.memory = {}, .error = EBADF};
  }
  // As the kernel has it of events that are wherever their thread is.
  if (events_[descriptor].attributes.inherit && events_[descriptor].cpu == -1) return {.memory = {}, .error = EINVAL};
  Ring& ring = rings_[descriptor];
  ring.words.resize(bytes / sizeof(uint64_t));
  const std::span<std::byte> memory = std::as_writable_bytes(std::span(ring.words));
  ring.writer = std::make_unique<PerfRingWriter>(memory);
  if (conversion) {
    auto* page = reinterpret_cast<perf_event_mmap_page*>(memory.data());
    page->cap_user_time_zero = 1;
    page->time_shift = static_cast<uint16_t>(conversion->shift);
    page->time_mult = static_cast<uint32_t>(conversion->multiplier);
    page->time_zero = conversion->zero_ns;
  }
  return {.memory = memory, .error = 0};
}

PerfRingMapping FakeSamplingEvents::MapAux(int descriptor, uint64_t offset, size_t bytes) {
  if (const int error = TakeError(&map_errors); error != 0) return {.memory = {}, .error = error};
  if (!rings_.contains(descriptor) || rings_[descriptor].aux) {
    ADD_FAILURE() << "descriptor " << descriptor << " has no ring, or AUX memory";
    return {.memory = {}, .error = EINVAL};
  }
  Ring& ring = rings_[descriptor];
  const std::span<std::byte> memory = std::as_writable_bytes(std::span(ring.words));
  const auto* page = reinterpret_cast<const perf_event_mmap_page*>(memory.data());
  if (page->aux_offset != offset || page->aux_size != bytes || offset < memory.size()) return {.memory = {}, .error = EINVAL};
  ring.aux_words.resize(bytes / sizeof(uint64_t));
  const std::span<std::byte> aux = std::as_writable_bytes(std::span(ring.aux_words));
  ring.aux = std::make_unique<PerfAuxWriter>(memory, aux, ring.writer.get());
  return {.memory = aux, .error = 0};
}

void FakeSamplingEvents::Unmap(std::span<std::byte> memory) {
  const auto is = [&memory](const std::vector<uint64_t>& words) {
    return std::as_bytes(std::span(words)).data() == memory.data() && words.size() * sizeof(uint64_t) == memory.size();
  };
  for (auto& [descriptor, ring] : rings_) {
    if (!ring.aux || !is(ring.aux_words)) continue;
    ring.aux.reset();
    return;
  }
  const size_t unmapped = std::erase_if(rings_, [&](const auto& entry) {
    EXPECT_TRUE(!is(entry.second.words) || entry.second.aux == nullptr) << "a ring is unmapped before its AUX memory";
    return is(entry.second.words);
  });
  EXPECT_EQ(unmapped, 1u) << "memory is unmapped that is not mapped";
}

int FakeSamplingEvents::DescriptorOf(pid_t tid, size_t number) const {
  for (const auto& [descriptor, event] : events_) {
    if (event.tid == tid && number-- == 0) return descriptor;
  }
  ADD_FAILURE() << "there is no such event of thread " << tid;
  return -1;
}

bool FakeSamplingEvents::Write(pid_t tid, size_t number, std::span<const std::byte> record) {
  const int descriptor = DescriptorOf(tid, number);
  if (descriptor == -1) return false;
  const Event& event = events_.at(descriptor);
  const bool on = event.on && (event.leader == -1 || events_.at(event.leader).on);
  return on && rings_.at(event.output == -1 ? descriptor : event.output).writer->Write(record);
}

bool FakeSamplingEvents::WriteAux(pid_t tid, size_t number, std::span<const std::byte> bytes, const WrittenSample& who, uint64_t flags) {
  const int descriptor = DescriptorOf(tid, number);
  if (descriptor == -1 || !events_.at(descriptor).on) return false;
  events_.at(descriptor).on = rings_.at(descriptor).aux->Write(bytes, who, flags);
  return events_.at(descriptor).on;
}

PerfAuxWriter& FakeSamplingEvents::AuxOf(pid_t tid, size_t number) {
  return *rings_.at(DescriptorOf(tid, number)).aux;
}

PerfRingWriter& FakeSamplingEvents::RingOf(pid_t tid) {
  for (const auto& [descriptor, ring] : rings_) {
    if (events_.at(descriptor).tid == tid) return *ring.writer;
  }
  ADD_FAILURE() << "thread " << tid << " has no ring";
  std::abort();
}

}  // namespace hftmon
