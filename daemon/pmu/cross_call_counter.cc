#include "daemon/pmu/cross_call_counter.h"

namespace hftmon {

int CrossCallCounter::Open(const perf_event_attr& attributes, pid_t tid, int cpu, int group, unsigned long flags) {
  const int descriptor = calls_->Open(attributes, tid, cpu, group, flags);
  if (descriptor >= 0 && tid == -1) {
    of_cpus_.insert(descriptor);
    ++count_;
  }
  return descriptor;
}

ssize_t CrossCallCounter::Read(int descriptor, std::span<std::byte> to) {
  if (of_cpus_.contains(descriptor)) ++count_;
  return calls_->Read(descriptor, to);
}

int CrossCallCounter::Control(int descriptor, unsigned long request, unsigned long argument) {
  const bool switches = request == PERF_EVENT_IOC_ENABLE || request == PERF_EVENT_IOC_DISABLE;
  if (switches && of_cpus_.contains(descriptor)) ++count_;
  return calls_->Control(descriptor, request, argument);
}

void CrossCallCounter::Close(int descriptor) {
  if (of_cpus_.erase(descriptor) > 0) ++count_;
  calls_->Close(descriptor);
}

}  // namespace hftmon
