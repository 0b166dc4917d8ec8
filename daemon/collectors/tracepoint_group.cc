#include "daemon/collectors/tracepoint_group.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

namespace hftmon {

TracepointGroup::TracepointGroup(std::string_view group, std::span<const Program> programs, Parts parts)
    : group_(group), programs_(programs), parts_(std::move(parts)), demand_([this] { return Attach(); }, [this] { return Detach(); }) {}

std::vector<std::string_view> TracepointGroup::Names() const {
  std::vector<std::string_view> names;
  for (const Program& program : programs_) names.push_back(program.name);
  return names;
}

bool TracepointGroup::IsOne(std::string_view program) const {
  return std::any_of(programs_.begin(), programs_.end(), [program](const Program& one) { return one.name == program; });
}

absl::Status TracepointGroup::Attach() {
  if (!refusal_.empty()) {
    return absl::FailedPreconditionError(fmt::format("probe group \"{}\" is not available on this host: {}", group_, refusal_));
  }
  if (absl::Status admitted = parts_.admit(fmt::format("attaching the programs of probe group \"{}\"", group_)); !admitted.ok()) {
    return admitted;
  }
  for (const Program& program : programs_) {
    absl::StatusOr<Attachment> attached = parts_.attach(std::string(program.name));
    if (!attached.ok()) {
      attachments_.clear();
      return attached.status();
    }
    attachments_.push_back(*std::move(attached));
  }
  return absl::OkStatus();
}

absl::Status TracepointGroup::Detach() {
  if (absl::Status admitted = parts_.admit(fmt::format("detaching the programs of probe group \"{}\"", group_)); !admitted.ok()) {
    return admitted;
  }
  // Beginnings first.
  while (!attachments_.empty()) attachments_.pop_back();
  return absl::OkStatus();
}

uint64_t TracepointGroup::RunCount(std::string_view program, std::span<const hft_cpu> cpus) const {
  uint64_t count = 0;
  for (const Program& one : programs_) {
    if (one.name != program) continue;
    // Relaxed: the count stands for itself.
    for (const hft_cpu& cpu : cpus) {
      count += std::atomic_ref<__u64>(const_cast<__u64&>(cpu.*one.count)).load(std::memory_order_relaxed);
    }
  }
  return count;
}

}  // namespace hftmon
