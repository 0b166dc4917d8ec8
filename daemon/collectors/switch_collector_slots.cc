// The part of the switch collector that is about free slots.
#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>

#include <cerrno>
#include <cstring>

#include "daemon/collectors/switch_collector.h"

namespace hftmon {

absl::Status SwitchCollector::FillStack(uint32_t threads_max) {
  // The lowest slots are popped first, so that the slots in use stay close together.
  for (uint32_t slot = threads_max; slot >= 1; --slot) {
    if (absl::Status status = Push(static_cast<uint16_t>(slot)); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<uint16_t> SwitchCollector::Pop() {
  uint32_t slot = 0;
  if (bpf_map_lookup_and_delete_elem(free_slots_fd_, nullptr, &slot) != 0) {
    return absl::ResourceExhaustedError(
        fmt::format("thread slots: all {} are in use: detach a target, or raise threads_max and restart hftmond", view_.slots.size() - 1));
  }
  return static_cast<uint16_t>(slot);
}

absl::Status SwitchCollector::Push(uint16_t slot) {
  const uint32_t value = slot;
  if (bpf_map_update_elem(free_slots_fd_, nullptr, &value, BPF_ANY) != 0) {
    return absl::InternalError(fmt::format("slot {} cannot be given back: {}", slot, strerror(errno)));
  }
  return absl::OkStatus();
}

}  // namespace hftmon
