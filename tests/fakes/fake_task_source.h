// FakeTaskSource: the threads of a host that the test makes up. Threads: any.
#ifndef HFTMON_TESTS_FAKES_FAKE_TASK_SOURCE_H_
#define HFTMON_TESTS_FAKES_FAKE_TASK_SOURCE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/collectors/task_source.h"

namespace hftmon {

class FakeTaskSource : public TaskSource {
 public:
  void Put(const TaskInfo& task) {
    std::lock_guard lock(mutex_);
    tasks_[task.tid] = task;
  }
  void Remove(uint32_t tid) {
    std::lock_guard lock(mutex_);
    tasks_.erase(tid);
  }
  std::optional<TaskInfo> Get(uint32_t tid) const {
    std::lock_guard lock(mutex_);
    const auto found = tasks_.find(tid);
    return found == tasks_.end() ? std::nullopt : std::optional<TaskInfo>(found->second);
  }
  std::vector<TaskInfo> All() const {
    std::lock_guard lock(mutex_);
    std::vector<TaskInfo> all;
    for (const auto& [tid, task] : tasks_) all.push_back(task);
    return all;
  }
  std::vector<TaskInfo> Of(uint32_t tgid) const {
    std::vector<TaskInfo> threads = All();
    std::erase_if(threads, [tgid](const TaskInfo& task) { return task.tgid != tgid; });
    return threads;
  }

  // Called after each enumeration, before its result is used: what the process does while it is being attached.
  void AfterEnumeration(std::function<void(int enumeration)> hook) {
    after_enumeration_ = std::move(hook);
    enumerations_ = 0;
  }
  void FailWith(absl::Status status) {
    std::lock_guard lock(mutex_);
    failure_ = std::move(status);
  }

  absl::StatusOr<std::vector<TaskInfo>> ThreadsOf(uint32_t tgid) override {
    if (absl::Status failure = Failure(); !failure.ok()) return failure;
    std::vector<TaskInfo> threads = Of(tgid);
    if (after_enumeration_) after_enumeration_(++enumerations_);
    return threads;
  }
  absl::StatusOr<std::vector<TaskInfo>> Leaders() override {
    if (absl::Status failure = Failure(); !failure.ok()) return failure;
    std::vector<TaskInfo> leaders = All();
    std::erase_if(leaders, [](const TaskInfo& task) { return task.tid != task.tgid; });
    return leaders;
  }
  absl::StatusOr<std::vector<TaskInfo>> Running() override {
    if (absl::Status failure = Failure(); !failure.ok()) return failure;
    std::vector<TaskInfo> running = All();
    std::erase_if(running, [](const TaskInfo& task) { return task.running_cpu < 0; });
    return running;
  }
  absl::StatusOr<TaskInfo> Find(uint32_t tid) override {
    if (absl::Status failure = Failure(); !failure.ok()) return failure;
    std::optional<TaskInfo> task = Get(tid);
    if (!task.has_value()) return absl::NotFoundError("no such task");
    return *task;
  }
  absl::StatusOr<std::vector<TaskInfo>> AllThreads() override {
    if (absl::Status failure = Failure(); !failure.ok()) return failure;
    return All();
  }

 private:
  absl::Status Failure() const {
    std::lock_guard lock(mutex_);
    return failure_;
  }

  mutable std::mutex mutex_;
  std::map<uint32_t, TaskInfo> tasks_;
  absl::Status failure_;
  std::function<void(int)> after_enumeration_;
  int enumerations_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_FAKES_FAKE_TASK_SOURCE_H_
