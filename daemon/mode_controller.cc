#include "daemon/mode_controller.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/cpu_list.h"

namespace hftmon {
namespace {

constexpr size_t kShownBytes = 40;  // of a name that is none: an error travels in a header of bounded size

}  // namespace

ModeController::ModeController(Parts parts, const std::string& mode, const std::string& scheduling)
    : parts_(std::move(parts)), usable_cpus_(parts_.usable_cpus), loop_cpu_(parts_.loop_cpu), state_(Choose(mode, scheduling)) {}

ModeController::State ModeController::Choose(const std::string& mode, const std::string& scheduling) const {
  State state{.asked = mode, .scheduling = scheduling, .reason = "asked for"};
  std::string name = mode;
  if (mode == "auto") {
    const ModeChoice choice = ChooseMode(parts_.facts());
    name = choice.mode;
    state.reason = choice.reason;
  }
  state.policy = FindPollPolicy(name);
  if (state.policy == &kLatencyPolicy && scheduling == "fifo") {
    // With one CPU, the pause is all that the daemon's other threads get.
    const bool unthrottled = usable_cpus_.size() > 1 && parts_.fifo_unthrottled();
    if (!unthrottled) state.policy = &kFifoLatencyPolicy;
  }
  return state;
}

std::vector<int> ModeController::OtherCpus(const PollPolicy& policy) const {
  std::vector<int> cpus = usable_cpus_;
  if (policy.owns_cpu() && cpus.size() > 1) std::erase(cpus, loop_cpu_);
  if (cpus.empty()) cpus.push_back(loop_cpu_);
  return cpus;
}

absl::Status ModeController::SetMode(const std::string& mode, const std::string& scheduling) {
  if (mode != "auto" && FindPollPolicy(mode) == nullptr) {
    return absl::InvalidArgumentError(
        fmt::format("mode '{}': there is none: choose auto, latency, balanced or economy", mode.substr(0, kShownBytes)));
  }
  if (!scheduling.empty() && scheduling != "other" && scheduling != "fifo") {
    return absl::InvalidArgumentError(
        fmt::format("scheduling '{}': there is none: choose other or fifo", scheduling.substr(0, kShownBytes)));
  }
  std::lock_guard lock(mutex_);
  return Apply(Choose(mode, scheduling.empty() ? state_.scheduling : scheduling));
}

void ModeController::Reconsider() {
  std::lock_guard lock(mutex_);
  if (state_.asked != "auto") return;
  const State next = Choose("auto", state_.scheduling);
  // A failure is met again, and said, when somebody sets a mode.
  if (next.policy != state_.policy) Apply(next).IgnoreError();
}

absl::Status ModeController::SetCpus(std::vector<int> usable_cpus, int loop_cpu) {
  std::lock_guard lock(mutex_);
  usable_cpus_ = std::move(usable_cpus);
  loop_cpu_ = loop_cpu;
  const State next = Choose(state_.asked, state_.scheduling);
  const bool moves_them = next.policy->owns_cpu() || state_.policy->owns_cpu();
  if (absl::Status applied = Apply(next); !applied.ok() || moves_them) return applied;
  return parts_.move_other_threads(OtherCpus(*next.policy));
}

absl::Status ModeController::Apply(const State& next) {
  const bool leaves = next.policy->owns_cpu();
  if (leaves) {
    if (absl::Status moved = parts_.move_other_threads(OtherCpus(*next.policy)); !moved.ok()) return moved;
  }
  // SCHED_FIFO never meets a policy without the pause that it needs.
  const bool to_fifo = next.scheduling == "fifo";
  if (to_fifo) parts_.set_policy(next.policy);
  if (next.scheduling != state_.scheduling) parts_.reschedule_loop(next.scheduling);
  if (!to_fifo) parts_.set_policy(next.policy);
  const bool comes_back = state_.policy->owns_cpu() && !leaves;
  state_ = next;
  return comes_back ? parts_.move_other_threads(OtherCpus(*next.policy)) : absl::OkStatus();
}

const PollPolicy* ModeController::policy() const {
  std::lock_guard lock(mutex_);
  return state_.policy;
}

std::vector<int> ModeController::other_cpus() const {
  std::lock_guard lock(mutex_);
  return OtherCpus(*state_.policy);
}

void ModeController::Describe(OperationStatus* out) const {
  std::lock_guard lock(mutex_);
  out->asked_mode = state_.asked;
  out->mode = state_.policy->name;
  out->mode_reason = state_.reason;
  out->poll_gap_min_ns = state_.policy->gap_min_ns();
  out->poll_gap_max_ns = state_.policy->gap_max_ns();
  out->owns_cpu = state_.policy->owns_cpu();
  out->other_cpus = FormatCpuList(OtherCpus(*state_.policy));
}

}  // namespace hftmon
