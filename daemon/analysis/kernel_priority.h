// The kernel's priorities as records keep them in eight bits: 0 … 139, the lower the more urgent, below 100 real time; 255 is
// SCHED_DEADLINE, which is -1 in the kernel and more urgent than all others. Pure, any thread.
#ifndef HFTMON_DAEMON_ANALYSIS_KERNEL_PRIORITY_H_
#define HFTMON_DAEMON_ANALYSIS_KERNEL_PRIORITY_H_

#include <algorithm>
#include <cstdint>

namespace hftmon {

inline constexpr uint8_t kDeadlinePriority = 255;
inline constexpr int kFairPriorityMin = 100;

// As the kernel has it: -1 … 139.
constexpr int KernelPriority(uint8_t recorded) {
  return recorded == kDeadlinePriority ? -1 : recorded;
}

constexpr bool IsMoreUrgent(uint8_t a, uint8_t b) {
  return KernelPriority(a) < KernelPriority(b);
}

// Among threads of the fair classes nice values share the CPU and order nobody: those are all equal.
constexpr bool OutranksInClass(uint8_t a, uint8_t b) {
  return std::min(KernelPriority(a), kFairPriorityMin) < std::min(KernelPriority(b), kFairPriorityMin);
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ANALYSIS_KERNEL_PRIORITY_H_
