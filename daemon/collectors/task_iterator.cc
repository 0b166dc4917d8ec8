#include "daemon/collectors/task_iterator.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/types.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "daemon/bpf/task_entry.h"
#include "tasks.skel.h"

namespace hftmon {
namespace {

EarlierSleep SleepOf(const hft_task_entry& entry) {
  EarlierSleep sleep;
  sleep.found_mono_ns = static_cast<int64_t>(entry.mono_ns);
  sleep.cpu = entry.last_cpu;
  sleep.syscall = entry.syscall;
  sleep.call = static_cast<hft_call_state>(entry.call_state);
  std::copy(std::begin(entry.arguments), std::end(entry.arguments), std::begin(sleep.arguments));
  return sleep;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TaskIterator>> TaskIterator::Create(const QuietGate* gate) {
  size_t bytes = 0;
  const void* data = tasks_bpf__elf_bytes(&bytes);
  absl::StatusOr<std::unique_ptr<BpfObject>> object =
      BpfObject::Open("hftmon_tasks", {static_cast<const std::byte*>(data), bytes}, "", gate);
  if (!object.ok()) return object.status();
  std::unique_ptr<TaskIterator> iterator(new TaskIterator(*std::move(object)));
  if (absl::Status status = iterator->object_->Load(); !status.ok()) return status;
  auto wanted_tgid = iterator->object_->MapVariable(".bss", "wanted_tgid");
  auto wanted_tid = iterator->object_->MapVariable(".bss", "wanted_tid");
  if (!wanted_tgid.ok()) return wanted_tgid.status();
  if (!wanted_tid.ok()) return wanted_tid.status();
  auto wanted_all = iterator->object_->MapVariable(".bss", "wanted_all");
  auto wanted_leaders = iterator->object_->MapVariable(".bss", "wanted_leaders");
  auto wanted_running = iterator->object_->MapVariable(".bss", "wanted_running");
  for (const absl::Status& status : {wanted_all.status(), wanted_leaders.status(), wanted_running.status()}) {
    if (!status.ok()) return status;
  }
  iterator->wanted_leaders_ = reinterpret_cast<uint32_t*>(*wanted_leaders);
  iterator->wanted_running_ = reinterpret_cast<uint32_t*>(*wanted_running);
  iterator->wanted_tgid_ = reinterpret_cast<uint32_t*>(*wanted_tgid);
  iterator->wanted_tid_ = reinterpret_cast<uint32_t*>(*wanted_tid);
  iterator->wanted_all_ = reinterpret_cast<uint32_t*>(*wanted_all);
  iterator->link_ = bpf_program__attach_iter(iterator->object_->FindProgram("list_tasks"), nullptr);
  if (iterator->link_ == nullptr) {
    return absl::FailedPreconditionError(fmt::format("task iterator: {}: it needs a kernel of 5.8 or later with BTF", strerror(errno)));
  }
  return iterator;
}

TaskIterator::~TaskIterator() {
  if (link_ != nullptr) bpf_link__destroy(link_);
}

absl::StatusOr<std::vector<hft_task_entry>> TaskIterator::ReadEntries(const Wanted& wanted) {
  const std::lock_guard lock(mutex_);
  std::atomic_ref(*wanted_tgid_).store(wanted.tgid, std::memory_order_relaxed);
  std::atomic_ref(*wanted_tid_).store(wanted.tid, std::memory_order_relaxed);
  std::atomic_ref(*wanted_all_).store(wanted.all ? 1 : 0, std::memory_order_relaxed);
  std::atomic_ref(*wanted_leaders_).store(wanted.leaders ? 1 : 0, std::memory_order_relaxed);
  std::atomic_ref(*wanted_running_).store(wanted.running ? 1 : 0, std::memory_order_relaxed);
  const int fd = bpf_iter_create(bpf_link__fd(link_));
  if (fd < 0) return absl::InternalError(fmt::format("task iterator: {}", strerror(errno)));
  std::vector<char> bytes;
  char buffer[16384];
  ssize_t count = 0;
  while ((count = read(fd, buffer, sizeof(buffer))) > 0 || (count < 0 && (errno == EINTR || errno == EAGAIN))) {
    if (count > 0) bytes.insert(bytes.end(), buffer, buffer + count);
  }
  const int error = count < 0 ? errno : 0;
  close(fd);
  if (error != 0) return absl::InternalError(fmt::format("task iterator: {}", strerror(error)));
  std::vector<hft_task_entry> entries(bytes.size() / sizeof(hft_task_entry));
  std::memcpy(entries.data(), bytes.data(), entries.size() * sizeof(hft_task_entry));
  return entries;
}

absl::StatusOr<std::vector<TaskInfo>> TaskIterator::List(const Wanted& wanted) {
  absl::StatusOr<std::vector<hft_task_entry>> entries = ReadEntries(wanted);
  if (!entries.ok()) return entries.status();
  std::vector<TaskInfo> tasks;
  for (const hft_task_entry& entry : *entries) {
    tasks.push_back({.tid = entry.tid,
                     .tgid = entry.tgid,
                     .parent_tgid = entry.parent_tgid,
                     .start_boottime_ns = static_cast<int64_t>(entry.start_ns),
                     .voluntary_count = entry.voluntary_count,
                     .involuntary_count = entry.involuntary_count,
                     .run_delay_ns = entry.run_delay_ns,
                     .kernel_thread = entry.kernel_thread != 0,
                     .running_cpu = static_cast<int>(entry.running_cpu) - 1,
                     .comm = std::string(entry.comm, strnlen(entry.comm, sizeof(entry.comm))),
                     .asleep = entry.asleep != 0,
                     .sleep = SleepOf(entry)});
  }
  return tasks;
}

absl::StatusOr<uint32_t> TaskIterator::RegisterOffset() {
  absl::StatusOr<std::vector<hft_task_entry>> self = ReadEntries({.tgid = static_cast<uint32_t>(getpid())});
  if (!self.ok()) return self.status();
  return self->empty() ? 0 : self->front().register_offset;
}

absl::StatusOr<std::vector<TaskInfo>> TaskIterator::ThreadsOf(uint32_t tgid) {
  if (tgid == 0) return std::vector<TaskInfo>{};
  return List({.tgid = tgid});
}

absl::StatusOr<std::vector<TaskInfo>> TaskIterator::Leaders() {
  return List({.leaders = true});
}

absl::StatusOr<std::vector<TaskInfo>> TaskIterator::Running() {
  return List({.running = true});
}

absl::StatusOr<std::vector<TaskInfo>> TaskIterator::AllThreads() {
  return List({.all = true});
}

absl::StatusOr<TaskInfo> TaskIterator::Find(uint32_t tid) {
  absl::StatusOr<std::vector<TaskInfo>> tasks =
      tid == 0 ? absl::StatusOr<std::vector<TaskInfo>>(std::vector<TaskInfo>{}) : List({.tid = tid});
  if (!tasks.ok()) return tasks.status();
  if (tasks->empty()) return absl::NotFoundError(fmt::format("thread {}: there is none with this id", tid));
  return tasks->front();
}

}  // namespace hftmon
