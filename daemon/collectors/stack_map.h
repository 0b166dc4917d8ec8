// A map of stacks (BPF_MAP_TYPE_STACK_TRACE), as the daemon sizes and reads it. Any thread; stateless.
#ifndef HFTMON_DAEMON_COLLECTORS_STACK_MAP_H_
#define HFTMON_DAEMON_COLLECTORS_STACK_MAP_H_

#include <cstdint>
#include <vector>

#include "daemon/os/file_root.h"

namespace hftmon {

// Bytes of a stack of so many frames, or of as many as the kernel allows (kernel.perf_event_max_stack): a map of longer ones cannot be
// made.
uint32_t StackMapBytes(const FileRoot& files, uint32_t frames);

// The addresses under that key, innermost first, at most `frames_max`; empty: there is none, or it cannot be read.
std::vector<uint64_t> ReadStackMap(int map_fd, uint32_t key, uint32_t frames_max);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_COLLECTORS_STACK_MAP_H_
