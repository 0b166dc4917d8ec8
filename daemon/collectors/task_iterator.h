// TaskIterator: the TaskSource of a real host, a BPF iterator over all tasks (daemon/bpf/tasks.bpf.c).
// Threads: any; one listing at a time (mutex inside). Reads: task_struct of every thread. Produces: TaskInfo.
#ifndef HFTMON_DAEMON_COLLECTORS_TASK_ITERATOR_H_
#define HFTMON_DAEMON_COLLECTORS_TASK_ITERATOR_H_

#include <memory>
#include <mutex>

#include "daemon/collectors/bpf_object.h"
#include "daemon/collectors/task_source.h"

struct bpf_link;
struct hft_task_entry;

namespace hftmon {

class TaskIterator : public TaskSource {
 public:
  // `gate`: asked before anything is loaded or attached; may be null.
  static absl::StatusOr<std::unique_ptr<TaskIterator>> Create(const QuietGate* gate = nullptr);
  ~TaskIterator() override;

  absl::StatusOr<std::vector<TaskInfo>> ThreadsOf(uint32_t tgid) override;
  absl::StatusOr<std::vector<TaskInfo>> Leaders() override;
  absl::StatusOr<std::vector<TaskInfo>> Running() override;
  absl::StatusOr<TaskInfo> Find(uint32_t tid) override;
  absl::StatusOr<std::vector<TaskInfo>> AllThreads() override;
  // Where a task's saved registers lie from the beginning of its kernel stack; 0 where the kernel (before 5.15) cannot tell.
  absl::StatusOr<uint32_t> RegisterOffset();
  int64_t MapBytes() const { return object_->MapBytes(); }

 private:
  // 0 or false: none of that kind.
  struct Wanted {
    uint32_t tgid = 0;
    uint32_t tid = 0;
    bool all = false;
    bool leaders = false;
    bool running = false;
  };

  explicit TaskIterator(std::unique_ptr<BpfObject> object) : object_(std::move(object)) {}
  absl::StatusOr<std::vector<hft_task_entry>> ReadEntries(const Wanted& wanted);
  absl::StatusOr<std::vector<TaskInfo>> List(const Wanted& wanted);

  std::mutex mutex_;
  std::unique_ptr<BpfObject> object_;
  bpf_link* link_ = nullptr;
  uint32_t* wanted_tgid_ = nullptr;
  uint32_t* wanted_tid_ = nullptr;
  uint32_t* wanted_all_ = nullptr;
  uint32_t* wanted_leaders_ = nullptr;
  uint32_t* wanted_running_ = nullptr;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_COLLECTORS_TASK_ITERATOR_H_
