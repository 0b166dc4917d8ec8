#include "daemon/cpu_follower.h"

#include <fmt/format.h>

#include <utility>

namespace hftmon {
namespace {

constexpr char kOnlinePath[] = "/sys/devices/system/cpu/online";

}  // namespace

CpuFollower::CpuFollower(Parts parts, Placement placement)
    : parts_(std::move(parts)), home_cpu_(placement.loop_cpu), placement_(std::move(placement)) {
  if (absl::StatusOr<std::string> online = parts_.files.ReadFile(kOnlinePath); online.ok()) online_ = *std::move(online);
}

Placement CpuFollower::placement() const {
  const std::lock_guard lock(mutex_);
  return placement_;
}

uint64_t CpuFollower::move_count() const {
  const std::lock_guard lock(mutex_);
  return move_count_;
}

void CpuFollower::Put(const Placement& placement) {
  const std::lock_guard lock(mutex_);
  placement_ = placement;
}

void CpuFollower::Look() {
  // Without the file nothing is known of other CPUs; the loop's own mask still tells of its own.
  absl::StatusOr<std::string> read = parts_.files.ReadFile(kOnlinePath);
  const std::string online = read.ok() ? *std::move(read) : online_;
  if (online == online_ && looks_to_skip_ > 0) {
    --looks_to_skip_;
    return;
  }
  if (online == online_ && !failed_ && parts_.loop_is_on(placement().loop_cpu)) return;
  Follow(online);
}

void CpuFollower::Follow(const std::string& online) {
  online_ = online;
  failed_ = true;  // until all is done
  looks_to_skip_ = kLooksUntilRetry;
  const Placement before = placement();
  absl::StatusOr<Placement> next = parts_.choose();
  if (!next.ok()) {
    Placement stranded = before;
    stranded.reason = fmt::format("nowhere else to go: {}", std::string(next.status().message()));
    Put(stranded);
    return;
  }
  if (next->loop_cpu != home_cpu_) next->reason = fmt::format("CPU {}, where it was, is offline; {}", home_cpu_, next->reason);
  const bool moves = next->loop_cpu != before.loop_cpu || !parts_.loop_is_on(next->loop_cpu);
  // Somebody's taskset, or the CPU was away between two looks.
  if (moves && next->loop_cpu == before.loop_cpu) {
    next->reason += "; put back here after its affinity was changed from outside: set cpu in the configuration to move it";
  }
  Put(*next);
  if (absl::Status moved = parts_.move_all(*next); !moved.ok()) {
    next->reason = fmt::format("to be moved here, which failed: {}", std::string(moved.message()));
    Put(*next);
    return;
  }
  failed_ = false;
  looks_to_skip_ = 0;
  const std::lock_guard lock(mutex_);
  if (moves) ++move_count_;
}

}  // namespace hftmon
