#include "tests/fakes/fake_perf_events.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace hftmon {
namespace {

constexpr uint64_t kFormat = PERF_FORMAT_GROUP | PERF_FORMAT_ID | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;

uint64_t LowConfig(const perf_event_attr& attributes) {
  return attributes.type == PERF_TYPE_HARDWARE ? attributes.config & UINT32_MAX : attributes.config;
}

}  // namespace

FakePerfEvents::FakePerfEvents(Kernel kernel)
    : kernel_(std::move(kernel)), online_(kernel_.cpus.begin(), kernel_.cpus.end()), threads_{{kCaller, {.pid = kCaller}}} {}

FakePerfEvents::~FakePerfEvents() {
  EXPECT_TRUE(events_.empty()) << events_.size() << " descriptors are left open";
}

FakePerfEvents::Kernel FakePerfEvents::Host(size_t counters) {
  return {.pmus = {{.counters = counters}}};
}

void FakePerfEvents::AddThread(pid_t tid, pid_t pid, bool foreign) {
  threads_[tid] = {.pid = pid, .foreign = foreign};
}

void FakePerfEvents::Clone(pid_t parent, pid_t tid) {
  threads_[tid] = threads_.at(parent);
  Inherit(parent, tid, false);
}

void FakePerfEvents::Fork(pid_t parent, pid_t tid) {
  threads_[tid] = {.pid = tid, .foreign = threads_.at(parent).foreign};
  Inherit(parent, tid, true);
}

void FakePerfEvents::Inherit(pid_t parent, pid_t tid, bool process) {
  for (Event& event : events_) {
    if (!event.attributes.inherit || (process && event.attributes.inherit_thread)) continue;
    if (event.threads.contains(parent)) event.threads.insert(tid);
  }
}

void FakePerfEvents::EndThread(pid_t tid) {
  threads_.erase(tid);
}

absl::StatusOr<std::vector<pid_t>> FakePerfEvents::ThreadsOf(pid_t pid) const {
  std::vector<pid_t> tids;
  for (const auto& [tid, thread] : threads_) {
    if (thread.pid == pid) tids.push_back(tid);
  }
  if (tids.empty()) return absl::NotFoundError("no such process");
  return tids;
}

void FakePerfEvents::Offline(int cpu) {
  online_.erase(cpu);
  for (Event& event : events_) {
    if (event.cpu != cpu || !event.threads.empty()) continue;
    // It leaves its CPU's list: alone, switched off, with what it has.
    event.leader = event.descriptor;
    event.on = false;
  }
}

void FakePerfEvents::Throttle(uint64_t config, bool throttled) {
  for (Event& event : events_) {
    if (event.attributes.config == config) event.throttled = throttled;
  }
}

void FakePerfEvents::LoseSamples(uint64_t config, uint64_t count) {
  for (Event& event : events_) {
    if (event.attributes.config == config) event.lost += count;
  }
}

void FakePerfEvents::SetCount(uint64_t config, uint64_t count) {
  for (Event& event : events_) {
    if (event.attributes.config == config) event.value = count;
  }
}

FakePerfEvents::Event* FakePerfEvents::Find(int descriptor) {
  const auto found = std::find_if(events_.begin(), events_.end(), [&](const Event& event) { return event.descriptor == descriptor; });
  return found == events_.end() ? nullptr : &*found;
}

std::vector<FakePerfEvents::Event*> FakePerfEvents::GroupOf(int leader) {
  std::vector<Event*> group;
  for (Event& event : events_) {
    if (event.leader == leader) group.push_back(&event);
  }
  return group;
}

int FakePerfEvents::Permit(const perf_event_attr& attributes, pid_t tid) const {
  if (kernel_.sys_admin) return 0;
  if (kernel_.knows_paranoid_3 && kernel_.paranoid > 2) return EACCES;
  if (kernel_.perfmon) return 0;
  if (kernel_.paranoid > 1 && !attributes.exclude_kernel) return EACCES;
  if (kernel_.paranoid > 0 && tid == -1) return EACCES;
  if (kernel_.paranoid > -1 && attributes.type == PERF_TYPE_TRACEPOINT) return EPERM;
  const auto thread = threads_.find(tid);
  return thread != threads_.end() && thread->second.foreign ? EACCES : 0;
}

int FakePerfEvents::CheckFormat(const perf_event_attr& attributes) const {
  if (attributes.size != sizeof(attributes)) return E2BIG;
  const uint64_t known = kFormat | (kernel_.tells_lost ? uint64_t{PERF_FORMAT_LOST} : 0);
  if ((attributes.read_format & ~known) != 0) return EINVAL;
  if (attributes.inherit && !kernel_.inherits) return EINVAL;
  if (attributes.inherit_thread && (!attributes.inherit || !kernel_.inherits_threads_only)) return EINVAL;
  return 0;
}

int FakePerfEvents::Choose(const perf_event_attr& attributes, int cpu, const Pmu** pmu) const {
  if (attributes.type == PERF_TYPE_SOFTWARE) return attributes.config < PERF_COUNT_SW_MAX ? 0 : ENOENT;
  const bool generic = attributes.type == PERF_TYPE_HARDWARE || attributes.type == PERF_TYPE_HW_CACHE;
  const auto named = static_cast<uint32_t>(attributes.config >> 32);
  for (const Pmu& one : kernel_.pmus) {
    const bool meant = generic ? one.core && (named == 0 || named == one.type) : one.type == attributes.type;
    if (!meant || (cpu >= 0 && !one.cpus.empty() && !one.cpus.contains(cpu))) continue;
    if (one.missing.contains(LowConfig(attributes))) continue;
    *pmu = &one;
    return 0;
  }
  return ENOENT;
}

bool FakePerfEvents::Fits(const Pmu* pmu, int leader) {
  if (pmu == nullptr) return true;
  size_t count = 1;
  for (const Event* event : GroupOf(leader)) {
    if (event->pmu != nullptr && event->pmu != pmu) return false;
    count += event->pmu == pmu ? 1 : 0;
  }
  return count <= pmu->counters;
}

int FakePerfEvents::Open(const perf_event_attr& attributes, pid_t tid, int cpu, int group, unsigned long flags) {
  EXPECT_EQ(flags, static_cast<unsigned long>(PERF_FLAG_FD_CLOEXEC)) << "a descriptor that a child would inherit";
  if (before_open_) before_open_(attributes, tid);
  if (!open_errors_.empty()) {
    const int error = open_errors_.front();
    open_errors_.pop_front();
    if (error != 0) return -error;
  }
  if (const int error = CheckFormat(attributes); error != 0) return -error;
  if (tid == -1 && cpu == -1) return -EINVAL;
  const pid_t whose = tid == 0 ? kCaller : tid;
  if (const int error = Permit(attributes, whose); error != 0) return -error;
  if (events_.size() >= kernel_.descriptors_max) return -EMFILE;
  if (whose != -1 && !threads_.contains(whose)) return -ESRCH;
  const Pmu* pmu = nullptr;
  if (cpu >= kCpusPossible) return -EINVAL;
  if (const int error = Choose(attributes, cpu, &pmu); error != 0) return -error;
  if (cpu >= 0 && !online_.contains(cpu)) return -ENODEV;
  if (group != -1) {
    const Event* leader = Find(group);
    if (leader == nullptr) {
      ADD_FAILURE() << "the group of descriptor " << group << ", which is not open";
      return -EBADF;
    }
    if (leader->leader != group || attributes.pinned || attributes.inherit != leader->attributes.inherit || !Fits(pmu, group))
      return -EINVAL;
  }
  Event event{.descriptor = next_descriptor_++, .id = next_id_++, .attributes = attributes, .cpu = cpu, .pmu = pmu};
  event.leader = group == -1 ? event.descriptor : group;
  event.on = !attributes.disabled;
  if (whose != -1) event.threads.insert(whose);
  events_.push_back(event);
  PassCall();
  return event.descriptor;
}

ssize_t FakePerfEvents::Read(int descriptor, std::span<std::byte> to) {
  const Event* event = Find(descriptor);
  if (event == nullptr) {
    ADD_FAILURE() << "a reading of descriptor " << descriptor << ", which is not open";
    return -EBADF;
  }
  PassCall();
  if (read_error_ != 0) return -read_error_;
  if (event->error) return 0;
  EXPECT_EQ(event->attributes.read_format & kFormat, kFormat) << "this fake reads groups with ids and times alone";
  const std::vector<Event*> group = GroupOf(event->leader);
  const Event& leader = *group.front();
  std::vector<uint64_t> words = {group.size(), leader.enabled_ns, leader.running_ns};
  for (const Event* member : group) {
    words.push_back(member->value);
    words.push_back(member->id);
    if (leader.attributes.read_format & PERF_FORMAT_LOST) words.push_back(member->lost);
  }
  if (to.size() < words.size() * sizeof(uint64_t)) return -ENOSPC;
  if (damage_) damage_(words);
  const size_t bytes = std::min(to.size(), words.size() * sizeof(uint64_t));
  std::memcpy(to.data(), words.data(), bytes);
  return static_cast<ssize_t>(bytes);
}

int FakePerfEvents::Control(int descriptor, unsigned long request, unsigned long argument) {
  Event* event = Find(descriptor);
  if (event == nullptr) {
    ADD_FAILURE() << "request " << request << " to descriptor " << descriptor << ", which is not open";
    return -EBADF;
  }
  switch (request) {
    case PERF_EVENT_IOC_ID:
      *reinterpret_cast<uint64_t*>(argument) = event->id;
      return 0;
    case PERF_EVENT_IOC_ENABLE:
    case PERF_EVENT_IOC_DISABLE:
      event->on = request == PERF_EVENT_IOC_ENABLE;
      PassCall();
      return 0;
    default:
      ADD_FAILURE() << "request " << request << " is none that counting needs";
      return -ENOTTY;
  }
}

void FakePerfEvents::Close(int descriptor) {
  const auto found = std::find_if(events_.begin(), events_.end(), [&](const Event& event) { return event.descriptor == descriptor; });
  if (found == events_.end()) {
    ADD_FAILURE() << "descriptor " << descriptor << " is closed, which is not open";
    return;
  }
  for (Event* member : GroupOf(descriptor)) member->leader = member->descriptor;
  events_.erase(found);
}

bool FakePerfEvents::IsHere(const Event& event, std::optional<pid_t> tid, int cpu) const {
  if (event.cpu != -1 && event.cpu != cpu) return false;
  return event.threads.empty() || (tid && event.threads.contains(*tid));
}

bool FakePerfEvents::Place(const std::vector<Event*>& group, int cpu, std::map<const Pmu*, size_t>& free) {
  std::map<const Pmu*, size_t> left = free;
  for (const Event* event : group) {
    if (event->pmu == nullptr) continue;
    if (!event->pmu->cpus.empty() && !event->pmu->cpus.contains(cpu)) return false;
    if (left[event->pmu] == 0) return false;
    --left[event->pmu];
  }
  free = std::move(left);
  return true;
}

std::map<const FakePerfEvents::Pmu*, size_t> FakePerfEvents::FreeCounters() const {
  std::map<const Pmu*, size_t> free;
  for (const Pmu& pmu : kernel_.pmus) free[&pmu] = pmu.counters - std::min(pmu.counters, pmu.core ? kernel_.watchdog_counters : 0);
  return free;
}

void FakePerfEvents::Pass(std::optional<pid_t> tid, int cpu, int64_t duration_ns) {
  for (int64_t left_ns = duration_ns; left_ns > 0; left_ns -= kTickNs) PassTick(tid, cpu, std::min(left_ns, kTickNs));
}

void FakePerfEvents::PassTick(std::optional<pid_t> tid, int cpu, int64_t tick_ns) {
  std::vector<std::vector<Event*>> pinned;
  std::vector<std::vector<Event*>> others;
  for (Event& event : events_) {
    if (event.leader != event.descriptor || !event.on || event.error || !IsHere(event, tid, cpu)) continue;
    (event.attributes.pinned ? pinned : others).push_back(GroupOf(event.leader));
  }
  if (!others.empty()) std::rotate(others.begin(), others.begin() + static_cast<std::ptrdiff_t>(tick_++ % others.size()), others.end());
  std::map<const Pmu*, size_t> free = FreeCounters();
  const auto pass = [&](const std::vector<Event*>& group) {
    const bool placed = Place(group, cpu, free);
    for (Event* event : group) {
      if (!event->on) continue;
      event->enabled_ns += static_cast<uint64_t>(tick_ns);
      if (!placed) continue;
      event->running_ns += static_cast<uint64_t>(tick_ns);
      if (!event->throttled) event->value += static_cast<uint64_t>(tick_ns) * kEventsPerUs / 1'000;
    }
    return placed;
  };
  for (const std::vector<Event*>& group : pinned) {
    const bool belongs = std::all_of(group.begin(), group.end(), [cpu](const Event* event) {
      return event->pmu == nullptr || event->pmu->cpus.empty() || event->pmu->cpus.contains(cpu);
    });
    if (!pass(group) && belongs) group.front()->error = true;
  }
  for (const std::vector<Event*>& group : others) pass(group);
}

void FakePerfEvents::PassCall() {
  if (kernel_.call_ns == 0) return;
  for (const int cpu : online_) Pass(cpu == 0 ? std::optional<pid_t>(kCaller) : std::nullopt, cpu, kernel_.call_ns);
}

}  // namespace hftmon
