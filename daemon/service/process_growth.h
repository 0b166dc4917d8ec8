// ProcessGrowth: where a process touched memory that it had not yet, in a stated time, and by which path. Passive data.
#ifndef HFTMON_DAEMON_SERVICE_PROCESS_GROWTH_H_
#define HFTMON_DAEMON_SERVICE_PROCESS_GROWTH_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "daemon/stacks/stack.h"

namespace hftmon {

// Faults in one mapping by one path through the program.
struct TouchSite {
  uint64_t fault_count = 0;  // that the samples stand for
  uint64_t sample_count = 0;
  uint64_t start = 0;  // of the mapping; 0: none was known there
  uint64_t end = 0;
  std::string name;
  std::map<uint32_t, uint64_t> faults_of_cpu;  // which CPUs touched, by number
  StackPart stack;
};

struct GrownMapping {
  uint64_t start = 0;  // as it stands at the end
  uint64_t end = 0;
  uint64_t new_bytes = 0;  // of its addresses, those that were not mapped at the begin
};

struct ProcessGrowth {
  int64_t begin_mono_ns = 0;
  int64_t end_mono_ns = 0;
  std::vector<TouchSite> sites;  // the most faults first
  uint64_t left_out_site_count = 0;
  uint64_t fault_count = 0;
  uint64_t sample_count = 0;
  uint64_t lost_count = 0;          // samples; those damaged or not decoded too
  uint64_t untold_fault_count = 0;  // of which no sample tells, mostly for those: in no site, and not in fault_count
  uint64_t unkept_fault_count = 0;  // of stacks that found no room: in no site
  uint64_t thread_count = 0;
  uint64_t unsampled_thread_count = 0;
  std::vector<GrownMapping> grown;  // those that grew, by address
  std::string unavailable;          // why nothing was sampled, or some threads were not; empty: all was
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_PROCESS_GROWTH_H_
