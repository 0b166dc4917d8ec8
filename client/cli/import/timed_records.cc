#include "client/cli/import/timed_records.h"

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

namespace hftmon {

void TimedRecords::AddMapping(const PerfMapping& mapping) {
  Add({.time_ns = mapping.sample_id.time_ns.value_or(0),
       .record = mapping,
       .name = std::string(mapping.name),
       .build_id = std::string(reinterpret_cast<const char*>(mapping.build_id.data()), mapping.build_id.size())});
}

void TimedRecords::AddComm(const PerfComm& comm) {
  // Names of threads are no part of an address space.
  if (comm.exec) Add({.time_ns = comm.sample_id.time_ns.value_or(0), .record = comm, .name = std::string(comm.name), .build_id = {}});
}

void TimedRecords::AddFork(const PerfTask& task) {
  Add({.time_ns = task.time_ns, .record = task, .name = {}, .build_id = {}});
}

void TimedRecords::Add(Task task) {
  const size_t bytes = task.name.size() + task.build_id.size();
  if (tasks_.size() >= kTasksMax || bytes > kTaskBytesMax - task_bytes_) {
    ++dropped_task_count_;
    return;
  }
  task_bytes_ += bytes;
  tasks_.push_back(std::move(task));
}

bool TimedRecords::AddAccess(const MemoryAccess& access) {
  if (accesses_.size() >= accesses_max_) return false;
  accesses_.push_back(access);
  return true;
}

void TimedRecords::Tell(const Task& task, PerfAddressSpaces* spaces) {
  if (const auto* told = std::get_if<PerfMapping>(&task.record)) {
    PerfMapping mapping = *told;
    mapping.name = task.name;
    mapping.build_id = std::as_bytes(std::span(task.build_id));
    spaces->OnMapping(mapping);
  } else if (const auto* named = std::get_if<PerfComm>(&task.record)) {
    PerfComm comm = *named;
    comm.name = task.name;
    spaces->OnComm(comm);
  } else {
    spaces->OnFork(std::get<PerfTask>(task.record));
  }
}

void TimedRecords::Drain(PerfAddressSpaces* spaces, absl::FunctionRef<void(const MemoryAccess&)> tell) {
  DrainUntil(std::numeric_limits<int64_t>::max(), spaces, tell);
}

size_t TimedRecords::DrainUntil(int64_t time_ns, PerfAddressSpaces* spaces, absl::FunctionRef<void(const MemoryAccess&)> tell) {
  const auto earlier = [](const auto& a, const auto& b) { return a.time_ns < b.time_ns; };
  std::stable_sort(tasks_.begin(), tasks_.end(), earlier);
  std::stable_sort(accesses_.begin(), accesses_.end(), earlier);
  auto task = tasks_.begin();
  auto access = accesses_.begin();
  const auto tell_tasks = [&](int64_t until_ns) {
    for (; task != tasks_.end() && task->time_ns <= until_ns; ++task) {
      Tell(*task, spaces);
      task_bytes_ -= task->name.size() + task->build_id.size();
    }
  };
  for (; access != accesses_.end() && access->time_ns <= time_ns; ++access) {
    // Without times the order of the file is all there is, and tasks come first.
    tell_tasks(access->time_ns);
    tell(*access);
  }
  tell_tasks(time_ns);
  tasks_.erase(tasks_.begin(), task);
  const auto told = static_cast<size_t>(access - accesses_.begin());
  accesses_.erase(accesses_.begin(), access);
  return told;
}

}  // namespace hftmon
