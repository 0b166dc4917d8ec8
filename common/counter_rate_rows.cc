#include "common/counter_rate_rows.h"

#include <array>

namespace hftmon {
namespace {

constexpr std::string_view kRatio = "ratio";
constexpr std::string_view kPerKilo = "per_1000_instructions";

constexpr std::array kRates = {
    CounterRateRow{"instructions_per_cycle", "per_cycle", true, "Instructions per cycle (IPC).", "instructions, cycles"},
    CounterRateRow{"stalled_ratio", kRatio, false, "Share of the cycles in which the core was stalled.", "stalled_cycles, cycles"},
    CounterRateRow{"frontend_stall_ratio", kRatio, false, "Share of the cycles in which no instruction came to be executed.",
                   "frontend_stalls, cycles"},
    CounterRateRow{"backend_stall_ratio", kRatio, false, "Share of the cycles in which instructions waited to be executed.",
                   "backend_stalls, cycles"},
    CounterRateRow{"branch_miss_ratio", kRatio, false, "Share of the branches that were predicted wrongly.", "branch_misses, branches"},
    CounterRateRow{"branch_mpki", kPerKilo, false, "Branches predicted wrongly per 1,000 instructions.", "branch_misses, instructions"},
    CounterRateRow{"l1d_hit_ratio", kRatio, true, "Share of the loads that the first level's data cache had.",
                   "l1d_misses, and l1d_hits or l1d_loads"},
    CounterRateRow{"l1d_mpki", kPerKilo, false, "Misses of the first level's data cache per 1,000 instructions.",
                   "l1d_misses, instructions"},
    CounterRateRow{"l1i_mpki", kPerKilo, false, "Misses of the first level's instruction cache per 1,000 instructions.",
                   "l1i_misses, instructions"},
    CounterRateRow{"l2_hit_ratio", kRatio, true, "Share of the accesses to the second level's cache that it had.",
                   "two of l2_hits, l2_misses and l2_accesses"},
    CounterRateRow{"l2_mpki", kPerKilo, false, "Misses of the second level's cache per 1,000 instructions.", "l2_misses, instructions"},
    CounterRateRow{"l3_hit_ratio", kRatio, true, "Share of the accesses to the third level's cache that it had.",
                   "two of l3_hits, l3_misses and l3_accesses"},
    CounterRateRow{"l3_mpki", kPerKilo, false, "Misses of the third level's cache per 1,000 instructions.", "l3_misses, instructions"},
    CounterRateRow{"dtlb_second_level_hit_ratio", kRatio, true, "Share of the data TLB's first-level misses that its second level had.",
                   "two of dtlb_second_level_hits, dtlb_load_walks and dtlb_misses"},
    CounterRateRow{"dtlb_mpki", kPerKilo, false, "Misses of the data TLB's first level per 1,000 instructions.",
                   "instructions, and dtlb_misses or dtlb_second_level_hits with dtlb_load_walks"},
    CounterRateRow{"dtlb_load_walks_pki", kPerKilo, false, "Page walks of loads per 1,000 instructions.", "dtlb_load_walks, instructions"},
    CounterRateRow{"dtlb_store_walks_pki", kPerKilo, false, "Page walks of stores per 1,000 instructions.",
                   "dtlb_store_walks, instructions"},
    CounterRateRow{"itlb_second_level_hit_ratio", kRatio, true,
                   "Share of the instruction TLB's first-level misses that its second level had.",
                   "two of itlb_second_level_hits, itlb_walks and itlb_misses"},
    CounterRateRow{"itlb_mpki", kPerKilo, false, "Misses of the instruction TLB's first level per 1,000 instructions.",
                   "instructions, and itlb_misses or itlb_second_level_hits with itlb_walks"},
    CounterRateRow{"itlb_walks_pki", kPerKilo, false, "Page walks of the fetching of instructions per 1,000 instructions.",
                   "itlb_walks, instructions"},
    CounterRateRow{"hitm_local_pki", kPerKilo, false,
                   "Loads of a line that another core of the same socket had modified per 1,000 instructions.", "hitm_local, instructions"},
    CounterRateRow{"hitm_remote_pki", kPerKilo, false, "Loads of a line that a core of another socket had modified per 1,000 instructions.",
                   "hitm_remote, instructions"},
    CounterRateRow{"local_dram_pki", kPerKilo, false, "Accesses to the node's own memory per 1,000 instructions.",
                   "local_dram, instructions"},
    CounterRateRow{"remote_dram_pki", kPerKilo, false, "Accesses to another node's memory per 1,000 instructions.",
                   "remote_dram, instructions"},
    CounterRateRow{"remote_dram_ratio", kRatio, false, "Share of the accesses to memory that went to another node's.",
                   "remote_dram, local_dram"},
};

constexpr std::array kEvents = {
    CounterEventRow{"page_faults", "page-faults", "Page faults"},
    CounterEventRow{"minor_faults", "minor-faults", "Page faults without reading from a disk"},
    CounterEventRow{"major_faults", "major-faults", "Page faults that read from a disk"},
    CounterEventRow{"context_switches", "context-switches", "Switches of the thread off its CPU, as the kernel's event counts them"},
    CounterEventRow{"cpu_migrations", "cpu-migrations", "Moves of the thread to another CPU, as the kernel's event counts them"},
    CounterEventRow{"alignment_faults", "alignment-faults", "Accesses that the kernel had to align"},
    CounterEventRow{"emulation_faults", "emulation-faults", "Instructions that the kernel had to emulate"},
};

}  // namespace

std::span<const CounterRateRow> CounterRateRows() {
  return kRates;
}

std::span<const CounterEventRow> CounterEventRows() {
  return kEvents;
}

}  // namespace hftmon
