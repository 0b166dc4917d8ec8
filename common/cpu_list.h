// CPU lists as the kernel and the command line write them: "2-5,8". Pure functions, any thread.
#ifndef HFTMON_COMMON_CPU_LIST_H_
#define HFTMON_COMMON_CPU_LIST_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace hftmon {

// CPU numbers are below this (the largest CONFIG_NR_CPUS): it bounds what a list from outside can make us allocate.
inline constexpr int kCpuNumberLimit = 8192;

// Sorted, each CPU once. White space around the list and its items is ignored; an empty list is valid and empty (whether that makes
// sense is the caller's to say). INVALID_ARGUMENT names the bad item and shows a good list.
absl::StatusOr<std::vector<int>> ParseCpuList(std::string_view text);

// The same of a mask, as the kernel's older files write it: "0000ffff,ff000000", hexadecimal words of 32 CPUs, the highest first. An empty
// mask, and one of zeros, is no CPU. INVALID_ARGUMENT names the bad word.
absl::StatusOr<std::vector<int>> ParseCpuMask(std::string_view text);

// "2-5,8" for {2, 3, 4, 5, 8}; "" for none. Accepts any order and repetitions.
std::string FormatCpuList(std::span<const int> cpus);

}  // namespace hftmon

#endif  // HFTMON_COMMON_CPU_LIST_H_
