#include "daemon/os/perf_event_calls.h"

#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace hftmon {
namespace {

constexpr int kAttemptsMax = 8;

template <typename Call>
auto Retry(const Call& call) {
  auto result = call();
  for (int attempt = 1; attempt < kAttemptsMax && (result == -EINTR || result == -EAGAIN); ++attempt) result = call();
  return result;
}

}  // namespace

int SystemPerfEventCalls::Open(const perf_event_attr& attributes, pid_t tid, int cpu, int group, unsigned long flags) {
  // The kernel writes its own size into one that it does not take: into this copy.
  perf_event_attr copy = attributes;
  const long descriptor = ::syscall(SYS_perf_event_open, &copy, tid, cpu, group, flags);
  return descriptor < 0 ? -errno : static_cast<int>(descriptor);
}

ssize_t SystemPerfEventCalls::Read(int descriptor, std::span<std::byte> to) {
  const ssize_t bytes = ::read(descriptor, to.data(), to.size());
  return bytes < 0 ? -errno : bytes;
}

int SystemPerfEventCalls::Control(int descriptor, unsigned long request, unsigned long argument) {
  const int result = ::ioctl(descriptor, request, argument);
  return result < 0 ? -errno : 0;
}

void SystemPerfEventCalls::Close(int descriptor) {
  ::close(descriptor);
}

int OpenRetrying(PerfEventCalls& calls, const perf_event_attr& attributes, pid_t tid, int cpu, int group) {
  return Retry([&] { return calls.Open(attributes, tid, cpu, group, PERF_FLAG_FD_CLOEXEC); });
}

ssize_t ReadRetrying(PerfEventCalls& calls, int descriptor, std::span<std::byte> to) {
  return Retry([&] { return calls.Read(descriptor, to); });
}

perf_event_attr CycleAttributes() {
  perf_event_attr attributes = {};
  attributes.size = sizeof(attributes);
  attributes.type = PERF_TYPE_HARDWARE;
  attributes.config = PERF_COUNT_HW_CPU_CYCLES;
  attributes.disabled = 1;
  return attributes;
}

int TryCycleCounter(PerfEventCalls& calls) {
  const int descriptor = calls.Open(CycleAttributes(), 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
  if (descriptor < 0) return -descriptor;
  calls.Close(descriptor);
  return 0;
}

}  // namespace hftmon
