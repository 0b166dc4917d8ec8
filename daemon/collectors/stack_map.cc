#include "daemon/collectors/stack_map.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace hftmon {

uint32_t StackMapBytes(const FileRoot& files, uint32_t frames) {
  const absl::StatusOr<std::string> text = files.ReadFile("/proc/sys/kernel/perf_event_max_stack");
  uint32_t allowed = frames;
  if (text.ok()) std::from_chars(text->data(), text->data() + text->size(), allowed);
  return std::clamp(allowed, 1u, frames) * static_cast<uint32_t>(sizeof(uint64_t));
}

std::vector<uint64_t> ReadStackMap(int map_fd, uint32_t key, uint32_t frames_max) {
  std::vector<uint64_t> frames(frames_max, 0);
  if (bpf_map_lookup_elem(map_fd, &key, frames.data()) != 0) return {};
  frames.erase(std::find(frames.begin(), frames.end(), 0u), frames.end());
  return frames;
}

}  // namespace hftmon
