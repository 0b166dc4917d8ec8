#include "daemon/pmu/event_attributes.h"

#include <fmt/format.h>

#include <cassert>

namespace hftmon {
namespace {

// Of any precise event: seldom enough, and a multiple of 16 as AMD's IBS asks for.
constexpr uint64_t kTriedPeriod = uint64_t{1} << 20;

// A template: the member is looked up only where it is there.
template <typename Attributes>
void PutConfig3(uint64_t config3, Attributes* attributes) {
  if constexpr (kHeadersHaveConfig3) attributes->config3 = config3;
}

}  // namespace

perf_event_attr AttributesOf(const EventEncoding& encoding) {
  assert(kHeadersHaveConfig3 || encoding.config3 == 0);
  perf_event_attr attributes = {};
  attributes.size = sizeof(attributes);
  attributes.type = encoding.type;
  attributes.config = encoding.config;
  attributes.config1 = encoding.config1;
  attributes.config2 = encoding.config2;
  PutConfig3(encoding.config3, &attributes);
  attributes.precise_ip = encoding.precise_ip;
  attributes.exclude_user = encoding.exclude_user;
  attributes.exclude_kernel = encoding.exclude_kernel;
  attributes.exclude_hv = encoding.exclude_hypervisor;
  return attributes;
}

absl::Status TryOpen(PerfEventCalls& calls, const EventEncoding& encoding, const PerfEventRefusalFacts& facts) {
  if (!kHeadersHaveConfig3 && encoding.config3 != 0) {
    return absl::FailedPreconditionError(
        fmt::format("config3 is {:#x}, which the kernel headers of this build do not have: build hftmond with those of Linux 6.3 or newer",
                    encoding.config3));
  }
  PerfEventRequest request{.attributes = AttributesOf(encoding)};
  request.attributes.disabled = 1;
  if (encoding.precise_ip != 0) request.attributes.sample_period = kTriedPeriod;
  if (!encoding.per_thread) {
    request.tid = -1;
    request.cpu = encoding.cpus.empty() ? 0 : encoding.cpus.front();
  }
  const int descriptor = OpenRetrying(calls, request.attributes, request.tid, request.cpu, -1);
  if (descriptor >= 0) {
    calls.Close(descriptor);
    return absl::OkStatus();
  }
  return StatusOf(ExplainPerfEventError(-descriptor, request, facts));
}

}  // namespace hftmon
