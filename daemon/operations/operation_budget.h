// FillOperationBudget: the time budget of an operation, or of the time between two heartbeats, from its thread's stalls within it.
//
// Pure, any thread; allocates. Invariant, whatever comes in: causes and unexplained_ns sum to the duration exactly, none is negative, there
// are at most kCausesMax of them, the largest first.
//
// Rules:
//   - a mark is made on a CPU, so a stall lies within the span whole or not at all; which of the two says its middle, since the two times
//     come from two clocks;
//   - of stalls within one another (a sleep within a page fault) the outer one counts: its budget has the inner one's time;
//   - what no stall had, the thread had its CPU, for all that is known: up to what the operation usually takes that is its own work
//     (kRunning), of the rest short stalls have what is known of them as a sum (ShortStalls), estimated, and what is left is unexplained;
//   - where nothing is usual yet, what short stalls did not have is all kRunning, estimated;
//   - stalls that together claim more than the duration lose it from the largest cause on.
#ifndef HFTMON_DAEMON_OPERATIONS_OPERATION_BUDGET_H_
#define HFTMON_DAEMON_OPERATIONS_OPERATION_BUDGET_H_

#include <functional>
#include <span>
#include <vector>

#include "daemon/analysis/stall.h"
#include "daemon/operations/short_stalls.h"

namespace hftmon {

// Those of `stalls` that lie within [begin, end], inner ones left out, by start. `stalls` are of one thread, in any order.
std::vector<const Stall*> OuterStallsWithin(std::span<const Stall> stalls, int64_t begin_mono_ns, int64_t end_mono_ns);

// Reads the spike's duration_ns and mark.usual_ns; sets causes, cause_count, unexplained_ns, mark.stall_count, and the CPU of the longest
// stall (kUnknownCpu without one); where short stalls may have had most of what is unexplained, mark.looks_apart_ns and inconclusive.
// `stalls`: as OuterStallsWithin has them. `short_stalls` gives the causes of short stalls, of at most so much time together; may be empty.
using ShortStallsOf = std::function<ShortStallCauses(int64_t limit_ns)>;
void FillOperationBudget(std::span<const Stall* const> stalls, const ShortStallsOf& short_stalls, Spike* spike);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OPERATIONS_OPERATION_BUDGET_H_
