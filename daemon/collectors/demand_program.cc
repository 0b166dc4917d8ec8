#include "daemon/collectors/demand_program.h"

namespace hftmon {

absl::Status DemandProgram::Attach() {
  std::lock_guard lock(mutex_);
  absl::Status status = AttachLocked();
  if (status.ok()) wanted_ = true;
  return status;
}

absl::Status DemandProgram::AttachLocked() {
  if (attached_) return absl::OkStatus();
  absl::Status status = attach_();
  attached_ = status.ok();
  return status;
}

void DemandProgram::Want(bool wanted) {
  std::lock_guard lock(mutex_);
  wanted_ = wanted;
}

void DemandProgram::Settle() {
  std::lock_guard lock(mutex_);
  if (wanted_) {
    unwanted_turns_ = 0;
    // Wanted since without having been asked for, or refused then: until it runs, what it would tell is unknown.
    AttachLocked().IgnoreError();
    return;
  }
  if (!attached_ || ++unwanted_turns_ < kPatienceTurns) return;
  attached_ = !detach_().ok();
  unwanted_turns_ = 0;
}

bool DemandProgram::attached() const {
  std::lock_guard lock(mutex_);
  return attached_;
}

}  // namespace hftmon
