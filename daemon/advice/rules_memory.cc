// Page faults, TLB flushes and what the kernel does to make room.
#include "daemon/advice/advice_rules.h"

namespace hftmon {
namespace {

using enum FactField;
using enum FactKind;
using enum Operator;

RuleRow MajorFaultsNoMlock() {
  return {
      .id = "major-faults-no-mlock",
      .title = "A watched thread waits for memory from a disk",
      .fact = kFaults,
      .when = {{kFaultKind, kIs, "major"}, {kLockedBytes, kBelow, kResidentBytes}},
      .group_by = {kTid},
      .measures = {{.count_min = 1}},
      .cause =
          "{comm} (tid {tid}) took {count} major faults, {sum_ns} in all; {locked_bytes} of {resident_bytes} resident bytes are locked",
      .actions = {{.code_hint =
                       "mlockall(MCL_CURRENT | MCL_FUTURE) at start and touch every page before the market opens; undo: munlockall()",
                   .reach = Reach::kCode,
                   .persist = "unit file: LimitMEMLOCK=infinity",
                   .risk = Risk::kLow,
                   .risk_text = "allocations beyond RLIMIT_MEMLOCK fail; what is locked is nobody else's"}},
      .gain = GainKind::kSumPerSecond,
      .proof_metric = "major_fault_count_per_s",
      .expected = "0",
      .needs = {"memory"},
  };
}

RuleRow SwapIn() {
  return {
      .id = "swap-in",
      .title = "A watched thread's memory was swapped out",
      .fact = kFaults,
      .when = {{kFaultKind, kIs, "major"}, {kAnonymous, kIs, 1.0}, {kSwappedBytes, kAtLeast, 1.0}},
      .group_by = {kTid},
      .measures = {{.count_min = 1}},
      .cause =
          "{comm} (tid {tid}) took {count} major faults on memory that is no file's, {sum_ns} in all; {swapped_bytes} bytes of its process "
          "are in swap",
      .actions = {{.command = kSwapOff,
                   .undo = kSwapOn,
                   .code_hint = "or mlockall(MCL_CURRENT | MCL_FUTURE) in the program",
                   .reach = Reach::kNow,
                   .persist = kNoSwapAtBoot,
                   .risk = Risk::kHigh,
                   .risk_text =
                       "it reads all of swap back, which takes long, and kills processes if there is no room: look at free -b first"}},
      .gain = GainKind::kSumPerSecond,
      .proof_metric = "major_fault_count_per_s",
      .expected = "0",
      .needs = {"memory"},
  };
}

constexpr std::string_view kMallocEnvironment = "unit file: Environment=MALLOC_TRIM_THRESHOLD_=-1 MALLOC_MMAP_MAX_=0";

RuleRow TlbShootdowns() {
  return {
      .id = "tlb-shootdowns",
      .title = "A sibling thread's memory calls flush a watched thread's TLB",
      .fact = kShootdowns,
      .when = {{kSameProcess, kIs, 1.0}},
      .group_by = {kTid, kCall},
      .measures = {{.count_min = 10, .count_per_s_min = 50}},
      .cause = "threads of its own process interrupted {comm} (tid {tid}) {count} times to flush its TLB, by {call}",
      .actions = {{.when = {{kCall, kIsOneOf, WordList{"munmap", "madvise"}}},
                   .code_hint =
                       "keep and reuse memory: start the program with MALLOC_TRIM_THRESHOLD_=-1 MALLOC_MMAP_MAX_=0 (glibc), or pool "
                       "what is mapped",
                   .reach = Reach::kRestart,
                   .persist = kMallocEnvironment,
                   .risk = Risk::kLow,
                   .risk_text = "the process keeps what it freed"},
                  {.code_hint = "do {call} before the market opens, or in another process", .reach = Reach::kCode}},
      .gain = GainKind::kSumPerSecond,
      .proof_metric = "remote_shootdown_count_per_s",
      .expected = "below 1",
      .needs = {"memory"},
  };
}

RuleRow ThpOrCompactionStall() {
  return {
      .id = "thp-or-compaction-stall",
      .title = "A watched thread waits while the kernel makes room",
      .fact = kKernelStall,
      .when = {{kSumNs, kKnown}, {kLongestNs, kKnown}},
      .group_by = {kTid, kStall},
      .measures = {{.count_min = 1, .longest_ns_min = 50'000}},
      .cause = "{stall} held {comm} (tid {tid}) up {count} times, for {sum_ns} in all and {longest_ns} at most",
      .actions = {{.when = {{kStall, kIs, "compaction"}, {kThpEnabled, kIs, "always"}},
                   .command = "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
                   .undo = "echo {thp_enabled} > /sys/kernel/mm/transparent_hugepage/enabled",
                   .reach = Reach::kNow,
                   .persist = "kernel command line: transparent_hugepage=madvise",
                   .risk = Risk::kMedium,
                   .risk_text = "programs that do not ask for huge pages miss the TLB more often"},
                  {.when = {{kStall, kIs, "compaction"}, {kThpDefrag, kIsOneOf, WordList{"always", "madvise"}}},
                   .command = "echo defer > /sys/kernel/mm/transparent_hugepage/defrag",
                   .undo = "echo {thp_defrag} > /sys/kernel/mm/transparent_hugepage/defrag",
                   .code_hint =
                       "then a fault does not wait for room for a huge page; one that is not huge waits still: reserve huge pages at "
                       "boot (hugepages=), allocate and touch before the market opens",
                   .reach = Reach::kNow,
                   .persist = "tmpfiles.d: w /sys/kernel/mm/transparent_hugepage/defrag - - - - defer",
                   .risk = Risk::kLow,
                   .risk_text = "who asks for huge pages gets some of them later, from khugepaged"},
                  {.when = {{kStall, kIs, "reclaim"}},
                   .code_hint =
                       "leave free memory: raise vm.min_free_kbytes, bound other services by memory.high, touch and lock what the thread "
                       "needs before the market opens",
                   .reach = Reach::kRestart},
                  {.code_hint = "allocate and touch before the market opens, from huge pages reserved at boot (hugepages=)"}},
      .gain = GainKind::kSumPerSecond,
      .proof_metric = "kernel_stall_ns_per_s",
      .expected = "0",
      .needs = {"memory"},
  };
}

// The setting of transparent huge pages does not stop who asks for them by MADV_COLLAPSE: no command mends it.
RuleRow HugePageCollapse() {
  return {
      .id = "huge-page-collapse",
      .title = "A watched thread makes huge pages of small ones itself",
      .fact = kKernelStall,
      .when = {{kStall, kIs, "collapse"}},
      .group_by = {kTid},
      .measures = {{.count_min = 2}},
      .cause =
          "{comm} (tid {tid}) made {count} huge pages of small ones: each was copied while it waited, and others that touched it did too",
      .actions =
          {{.code_hint =
                "call madvise(MADV_COLLAPSE) before the market opens or in another thread, or back the memory by huge pages from the "
                "start (MAP_HUGETLB, or MADV_HUGEPAGE before the first touch)",
            .reach = Reach::kCode}},
      .proof_metric = "collapse_count_per_s",
      .expected = "0",
      .needs = {"memory"},
  };
}

}  // namespace

std::vector<RuleRow> MemoryRules() {
  return {MajorFaultsNoMlock(), SwapIn(), TlbShootdowns(), ThpOrCompactionStall(), HugePageCollapse()};
}

}  // namespace hftmon
