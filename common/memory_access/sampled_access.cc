#include "common/memory_access/sampled_access.h"

#include <algorithm>

namespace hftmon {
namespace {

// The kernel's numbers.
constexpr uint32_t kBreakpointType = 5;    // PERF_TYPE_BREAKPOINT
constexpr uint32_t kBreakpointWrites = 2;  // HW_BREAKPOINT_W

bool SamplesWritesAlone(const PerfAttr& attr) {
  return attr.type == kBreakpointType && attr.breakpoint_type == kBreakpointWrites;
}

}  // namespace

MemoryAccess AccessOfSample(const PerfAttr& attr, const PerfSample& sample) {
  MemoryAccess access;
  access.pid = sample.pid.value_or(0);
  access.tid = sample.tid.value_or(0);
  access.cpu = sample.cpu;
  access.time_ns = sample.time_ns.value_or(0);
  access.code_address = sample.ip.value_or(0);
  access.address = sample.address.value_or(0);
  access.physical_address = sample.physical_address;
  if (sample.weight.value_or(0) > 0) access.latency_cycles = sample.weight;
  const uint64_t asked_period = attr.frequency() ? 1 : attr.period_or_frequency;
  access.period = std::max<uint64_t>(sample.period.value_or(asked_period), 1);
  if (sample.data_source) access.source = DecodeDataSource(*sample.data_source);
  if (SamplesWritesAlone(attr)) access.source.store = true;
  return access;
}

}  // namespace hftmon
