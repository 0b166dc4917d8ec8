// NamingTaskSource: passes on what a TaskSource lists and remembers the names and numbers, so that a thread that was attached and ended
// since still has them. Owner: the daemon; what is pointed to outlives it. Threads: as TaskSource.
#ifndef HFTMON_DAEMON_NAMING_TASK_SOURCE_H_
#define HFTMON_DAEMON_NAMING_TASK_SOURCE_H_

#include <vector>

#include "daemon/collectors/task_source.h"
#include "daemon/control/process_names.h"

namespace hftmon {

class NamingTaskSource : public TaskSource {
 public:
  NamingTaskSource(TaskSource* source, ProcessNames* names) : source_(source), names_(names) {}

  absl::StatusOr<std::vector<TaskInfo>> ThreadsOf(uint32_t tgid) override {
    absl::StatusOr<std::vector<TaskInfo>> tasks = source_->ThreadsOf(tgid);
    if (!tasks.ok()) return tasks.status();
    for (const TaskInfo& task : *tasks) {
      names_->Remember(task.tid, task.comm);
      names_->KeepNumbers(task.tgid, task.tid);
    }
    return tasks;
  }
  absl::StatusOr<std::vector<TaskInfo>> Leaders() override { return source_->Leaders(); }
  absl::StatusOr<std::vector<TaskInfo>> Running() override { return source_->Running(); }
  absl::StatusOr<TaskInfo> Find(uint32_t tid) override { return source_->Find(tid); }
  absl::StatusOr<std::vector<TaskInfo>> AllThreads() override { return source_->AllThreads(); }

 private:
  TaskSource* const source_;
  ProcessNames* const names_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_NAMING_TASK_SOURCE_H_
