// TargetSelection: the targets that a request names, and which threads belong to them. A snapshot; one call's own.
#ifndef HFTMON_DAEMON_SERVICE_TARGET_SELECTION_H_
#define HFTMON_DAEMON_SERVICE_TARGET_SELECTION_H_

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "daemon/control/targets.h"
#include "daemon/ingest/interval.h"
#include "google/protobuf/repeated_field.h"
#include "grpcpp/support/status.h"

namespace hftmon {

class TargetSelection {
 public:
  // Selects those named, or all when none is. NOT_FOUND (reason NOT_A_TARGET) names the first pid that is no target.
  grpc::Status Select(const Targets& targets, const google::protobuf::RepeatedField<int32_t>& pids);

  // The same, but a pid that is no target is left out.
  void SelectKnown(const Targets& targets, const google::protobuf::RepeatedField<int32_t>& pids);

  // Leaves out those that had ended by then.
  void LeaveOutEndedBefore(int64_t mono_ns);

  // A thread of a selected process; not one of an older process that had the same pid.
  bool Keeps(const ThreadKey& thread) const;
  // Whether it is a thread of a selected process that runs: who looks into that process under its number finds no other's.
  bool Runs(const ThreadKey& thread) const;
  // Whose thread it is: of two processes that had the number, the one that was there when the thread began. nullptr: none's.
  const TargetInfo* TargetOf(const ThreadKey& thread) const;
  const std::vector<TargetInfo>& targets() const { return targets_; }
  // Of the slowest selected target; 0 without targets.
  int64_t sampling_interval_max_ns() const;
  // When the first of them was attached; 0 without targets.
  int64_t first_attached_mono_ns() const;
  // Where a window of that length begins; 0 asks for one since the first attachment.
  int64_t WindowBegin(int64_t requested_ns, int64_t end_mono_ns) const;
  // The last; those that are watched from their birth do not count: nothing of them is missing before.
  int64_t last_attached_mono_ns() const;
  // Their threads that were not watched at some time since, because they found no place in the tables of threads: the most at one time.
  uint64_t UnslottedSince(int64_t since_mono_ns) const;

 private:
  std::vector<TargetInfo> targets_;
  std::unordered_map<uint32_t, int64_t> start_of_pid_;
};

// NOT_FOUND (reason NOT_A_THREAD) names the first of `tids` that is not among the threads found. `verb` is where the user finds those that
// are.
grpc::Status CheckTidsFound(const google::protobuf::RepeatedField<int32_t>& tids, const std::unordered_set<uint32_t>& found,
                            std::string_view verb);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_TARGET_SELECTION_H_
