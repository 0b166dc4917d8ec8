#include "daemon/service/target_selection.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "daemon/service/rich_error.h"

namespace hftmon {

void TargetSelection::SelectKnown(const Targets& targets, const google::protobuf::RepeatedField<int32_t>& pids) {
  targets_ = targets.List();
  if (!pids.empty()) {
    const std::unordered_set<uint32_t> wanted(pids.begin(), pids.end());
    std::erase_if(targets_, [&wanted](const TargetInfo& target) { return !wanted.contains(target.pid); });
  }
  for (const TargetInfo& target : targets_) {
    const auto [entry, added] = start_of_pid_.try_emplace(target.pid, target.start_boottime_ns);
    if (!added) entry->second = std::min(entry->second, target.start_boottime_ns);
  }
}

grpc::Status TargetSelection::Select(const Targets& targets, const google::protobuf::RepeatedField<int32_t>& pids) {
  SelectKnown(targets, pids);
  for (const int32_t pid : pids) {
    if (start_of_pid_.contains(static_cast<uint32_t>(pid))) continue;
    return RichError(grpc::StatusCode::NOT_FOUND, "NOT_A_TARGET",
                     absl::StrCat("process ", pid, " is not a target: watch it with `hftmon attach ", pid, "`, or see `hftmon targets`"));
  }
  return grpc::Status::OK;
}

void TargetSelection::LeaveOutEndedBefore(int64_t mono_ns) {
  std::erase_if(targets_, [mono_ns](const TargetInfo& target) { return target.ended_mono_ns > 0 && target.ended_mono_ns < mono_ns; });
}

bool TargetSelection::Keeps(const ThreadKey& thread) const {
  const auto found = start_of_pid_.find(thread.tgid);
  return found != start_of_pid_.end() && thread.start_ns >= found->second;
}

bool TargetSelection::Runs(const ThreadKey& thread) const {
  // A thread is no older than its process: an older one's process had the number before.
  return std::any_of(targets_.begin(), targets_.end(), [&thread](const TargetInfo& target) {
    return target.pid == thread.tgid && target.state != TargetState::kEnded && thread.start_ns >= target.start_boottime_ns;
  });
}

const TargetInfo* TargetSelection::TargetOf(const ThreadKey& thread) const {
  const TargetInfo* newest = nullptr;
  for (const TargetInfo& target : targets_) {
    if (target.pid != thread.tgid || target.start_boottime_ns > thread.start_ns) continue;
    if (newest == nullptr || target.start_boottime_ns > newest->start_boottime_ns) newest = &target;
  }
  return newest;
}

int64_t TargetSelection::sampling_interval_max_ns() const {
  int64_t interval_ns = 0;
  for (const TargetInfo& target : targets_) interval_ns = std::max(interval_ns, target.sampling_interval_ns);
  return interval_ns;
}

int64_t TargetSelection::first_attached_mono_ns() const {
  int64_t first_ns = targets_.empty() ? 0 : targets_.front().attached_mono_ns;
  for (const TargetInfo& target : targets_) first_ns = std::min(first_ns, target.attached_mono_ns);
  return first_ns;
}

int64_t TargetSelection::WindowBegin(int64_t requested_ns, int64_t end_mono_ns) const {
  if (requested_ns > 0) return std::max<int64_t>(0, end_mono_ns - requested_ns);
  return std::min(end_mono_ns, first_attached_mono_ns());
}

int64_t TargetSelection::last_attached_mono_ns() const {
  int64_t last_ns = 0;
  for (const TargetInfo& target : targets_) {
    if (!target.watched_from_birth) last_ns = std::max(last_ns, target.attached_mono_ns);
  }
  return last_ns;
}

uint64_t TargetSelection::UnslottedSince(int64_t since_mono_ns) const {
  uint64_t count = 0;
  for (const TargetInfo& target : targets_) {
    const bool was = target.unslotted_mono_ns > 0 && target.unslotted_mono_ns >= since_mono_ns;
    if (was || target.unslotted_thread_count > 0) count += target.unslotted_peak_count;
  }
  return count;
}

grpc::Status CheckTidsFound(const google::protobuf::RepeatedField<int32_t>& tids, const std::unordered_set<uint32_t>& found,
                            std::string_view verb) {
  for (const int32_t tid : tids) {
    if (found.contains(static_cast<uint32_t>(tid))) continue;
    return RichError(grpc::StatusCode::NOT_FOUND, "NOT_A_THREAD",
                     absl::StrCat("thread ", tid, " is not a watched thread of the targets asked for: `hftmon ",
                                  absl::string_view(verb.data(), verb.size()), "` without -t lists them"));
  }
  return grpc::Status::OK;
}

}  // namespace hftmon
