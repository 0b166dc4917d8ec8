// TouchBook: sampled page faults of one process, by mapping and by the path through the program that made them.
//
// One thread. Bounds: kTouchesMax faults (3 MiB), kStacksMax different stacks (2.3 MiB until they are unwound), kSitesMax sites told, and
// while they are chosen some 80 bytes for each fault (10 MiB); what finds no room is counted. Two copies of a stack are taken for the same
// where they begin at the same instruction and hold the same addresses of code in the same order: return addresses, and what earlier calls
// left behind, which only makes a path be unwound twice.
#ifndef HFTMON_DAEMON_TOUCH_BOOK_H_
#define HFTMON_DAEMON_TOUCH_BOOK_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "daemon/os/proc_maps.h"
#include "daemon/pmu/fault_sampler.h"
#include "daemon/service/process_growth.h"
#include "daemon/stacks/stack_unwinder.h"

namespace hftmon {

class TouchBook {
 public:
  static constexpr size_t kTouchesMax = 131'072;
  static constexpr size_t kStacksMax = 1'024;
  static constexpr size_t kSitesMax = 64;

  // `start_boottime_ns`: of the process, by which the unwinder knows it from another that gets the number. `before`: its mappings.
  TouchBook(uint32_t pid, int64_t start_boottime_ns, const ProcMaps& before, StackUnwinder* unwinder);

  void Add(const SampledFault& fault);
  // Unwinds at most so many of the stacks that are not yet; how many are left. While the process lives: its files are read through it.
  size_t Unwind(size_t stacks_max);
  // Sets sites and left_out_site_count, and adds to unkept_fault_count. `after`: the mappings when it was over. Stacks that were not
  // unwound say so.
  void Tell(const ProcMaps& after, ProcessGrowth* growth) const;

 private:
  struct Touch {
    uint64_t address = 0;
    uint32_t path = 0;
    uint32_t cpu = 0;
    uint64_t weight = 0;
  };
  using Key = std::vector<uint64_t>;  // the instruction, and addresses of code on the stack

  Key KeyOf(const hft_stack& record) const;
  hft_stack RecordOf(const SampledFault& fault) const;

  const uint32_t pid_;
  const int64_t start_boottime_ns_;
  StackUnwinder* const unwinder_;
  std::vector<std::pair<uint64_t, uint64_t>> code_;  // from, to; by address
  std::map<Key, uint32_t> known_;
  std::vector<StackPart> paths_;
  std::deque<std::pair<uint32_t, hft_stack>> waiting_;
  std::vector<Touch> touches_;
  uint64_t unkept_fault_count_ = 0;
};

// Of the mappings at the end, the bytes that were not mapped at the begin; those without any are left out.
std::vector<GrownMapping> GrowthOf(const ProcMaps& before, const ProcMaps& after);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_TOUCH_BOOK_H_
