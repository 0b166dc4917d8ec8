// FakeLifeHooks: a host whose processes fork, exec and end, and the kernel's programs that follow them, as daemon/bpf/life.bpf.h does it:
// bits, slots, slot_of_tid and events. Threads: any; one mutex, so hooks of different threads run one after the other.
#ifndef HFTMON_TESTS_FAKES_FAKE_LIFE_HOOKS_H_
#define HFTMON_TESTS_FAKES_FAKE_LIFE_HOOKS_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <utility>

#include "daemon/collectors/kernel_view.h"
#include "daemon/ingest/interval.h"
#include "tests/fakes/fake_slot_stack.h"
#include "tests/fakes/fake_task_source.h"

namespace hftmon {

class FakeLifeHooks {
 public:
  using EventFunction = std::function<void(const LifeEvent&)>;

  FakeLifeHooks(const KernelView& view, FakeSlotStack* stack, FakeTaskSource* tasks, EventFunction on_event)
      : view_(view), stack_(stack), tasks_(tasks), on_event_(std::move(on_event)) {}

  // A process out of nowhere: its parent is not watched.
  void StartProcess(uint32_t tgid, const std::string& comm = "worker") {
    std::lock_guard lock(mutex_);
    const TaskInfo task = MakeTask(tgid, tgid, 1, comm);
    tasks_->Put(task);
    ForkHook(task, 1, 1);
  }
  void ForkProcess(uint32_t parent, uint32_t child) {
    std::lock_guard lock(mutex_);
    const TaskInfo task = MakeTask(child, child, parent, "child");
    tasks_->Put(task);
    ForkHook(task, parent, parent);
  }
  void StartThread(uint32_t tgid, uint32_t tid) {
    AddToTaskList(tgid, tid);
    RunForkHook(tid);
  }
  // The two halves of StartThread: the kernel makes a task visible before it runs the hook.
  void AddToTaskList(uint32_t tgid, uint32_t tid) {
    std::lock_guard lock(mutex_);
    tasks_->Put(MakeTask(tgid, tid, 1, "thread"));
  }
  void RunForkHook(uint32_t tid) {
    std::lock_guard lock(mutex_);
    const TaskInfo task = *tasks_->Get(tid);
    ForkHook(task, task.tgid, task.tgid);
  }

  void EndThread(uint32_t tid) {
    std::lock_guard lock(mutex_);
    const std::optional<TaskInfo> task = tasks_->Get(tid);
    tasks_->Remove(tid);
    LastSwitch(*task, tasks_->Of(task->tgid).empty());
  }
  // All threads at once: the kernel counts them all as gone before the first of them has its last switch.
  void EndProcess(uint32_t tgid) {
    std::lock_guard lock(mutex_);
    const std::vector<TaskInfo> threads = tasks_->Of(tgid);
    for (const TaskInfo& task : threads) tasks_->Remove(task.tid);
    for (const TaskInfo& task : threads) LastSwitch(task, true);
  }
  // exec by `tid`: every other thread ends, and it becomes the leader.
  void Exec(uint32_t tgid, uint32_t tid, const std::string& comm) {
    std::lock_guard lock(mutex_);
    TaskInfo task = *tasks_->Get(tid);
    for (const TaskInfo& other : tasks_->Of(tgid)) {
      if (other.tid == tid) continue;
      if (other.tid == tgid) task.start_boottime_ns = other.start_boottime_ns;
      tasks_->Remove(other.tid);
      LastSwitch(other, false);
    }
    tasks_->Remove(tid);
    task.tid = tgid;
    task.comm = comm;
    tasks_->Put(task);
    ExecHook(task, tid);
  }

  // The thread is switched in on the CPU.
  void Visit(uint32_t tid, uint16_t cpu) {
    std::lock_guard lock(mutex_);
    const std::optional<TaskInfo> task = tasks_->Get(tid);
    if (!task.has_value() || IsWatched(task->tgid)) return;
    if (std::atomic_ref<__u16>(view_.cpus[cpu].audited).load(std::memory_order_acquire) == 0) return;
    Deliver(LifeKind::kVisitor, *task, HFT_NO_SLOT, 0, 0, false, cpu);
  }

  bool IsWatched(uint32_t tgid) const { return (Word(tgid).load(std::memory_order_seq_cst) >> (tgid % 64)) & 1; }
  uint16_t PublishedSlotOf(uint32_t tid) const { return Entry(tid).load(std::memory_order_acquire); }
  // Events of the kinds that pass `lose` are counted as dropped instead of delivered.
  void LoseEvents(bool lose) {
    std::lock_guard lock(mutex_);
    losing_ = lose;
  }

 private:
  std::atomic_ref<uint64_t> Word(uint32_t tgid) const { return std::atomic_ref<uint64_t>(view_.watched_bits[tgid / 64]); }
  std::atomic_ref<uint16_t> Entry(uint32_t tid) const { return std::atomic_ref<uint16_t>(view_.slot_of_tid[tid]); }
  template <typename T, typename V>
  static void Store(T& word, V value) {
    std::atomic_ref<T>(word).store(static_cast<T>(value), std::memory_order_release);
  }

  TaskInfo MakeTask(uint32_t tgid, uint32_t tid, uint32_t parent, const std::string& comm) {
    next_start_ns_ += 1000;
    return {.tid = tid, .tgid = tgid, .parent_tgid = parent, .start_boottime_ns = next_start_ns_, .comm = comm};
  }

  void Deliver(LifeKind kind, const TaskInfo& task, uint16_t slot, uint32_t parent_tid, uint32_t previous_tid, bool process_ended,
               uint16_t cpu = 0) {
    if (losing_) return;
    LifeEvent event{.kind = kind,
                    .thread = {.tid = task.tid, .tgid = task.tgid, .start_ns = task.start_boottime_ns},
                    .slot = slot,
                    .parent_tid = parent_tid,
                    .parent_tgid = parent_tid,
                    .previous_tid = previous_tid,
                    .process_ended = process_ended,
                    .from_cpu = cpu,
                    .mono_ns = task.start_boottime_ns};
    std::strncpy(event.comm, task.comm.c_str(), sizeof(event.comm) - 1);
    on_event_(event);
  }

  void ForkHook(const TaskInfo& task, uint32_t parent_tid, uint32_t parent_tgid) {
    const bool new_process = task.tid == task.tgid;
    const uint64_t bit = uint64_t{1} << (task.tgid % 64);
    const bool follow = std::atomic_ref<__u32>(view_.controls->follow_children).load(std::memory_order_relaxed) != 0;
    if (!IsWatched(parent_tgid) || (new_process && !follow)) {
      if (!new_process || !IsWatched(task.tgid)) return;
      Word(task.tgid).fetch_and(~bit, std::memory_order_seq_cst);
      return Deliver(LifeKind::kRecycled, task, HFT_NO_SLOT, parent_tid, 0, false);
    }
    if (new_process) Word(task.tgid).fetch_or(bit, std::memory_order_seq_cst);
    Deliver(LifeKind::kFork, task, GiveSlot(task), parent_tid, 0, false);
  }

  uint16_t GiveSlot(const TaskInfo& task) {
    const absl::StatusOr<uint16_t> slot = stack_->Pop();
    if (!slot.ok()) {
      Entry(task.tid).store(HFT_NO_SLOT, std::memory_order_release);
      return HFT_NO_SLOT;
    }
    hft_thread_slot& words = view_.slots[*slot];
    EXPECT_EQ(std::atomic_ref<__u32>(words.state).load(std::memory_order_acquire), HFT_SLOT_FREE) << "slot " << *slot << " was not zeroed";
    Store(words.tid, task.tid);
    Store(words.tgid, task.tgid);
    Store(words.start_ns, task.start_boottime_ns);
    Store(words.state, HFT_SLOT_LIVE);
    Entry(task.tid).store(*slot, std::memory_order_release);
    return *slot;
  }

  void LastSwitch(const TaskInfo& task, bool process_ended) {
    if (!IsWatched(task.tgid)) return;
    const uint16_t slot = PublishedSlotOf(task.tid);
    if (slot == HFT_NO_SLOT) return;
    Store(view_.slots[slot].state, HFT_SLOT_ENDED);
    Entry(task.tid).store(HFT_NO_SLOT, std::memory_order_release);
    Deliver(LifeKind::kEnded, task, slot, 0, 0, process_ended);
  }

  bool IsNamedByRule(const TaskInfo& task) const {
    __u64 name[2] = {};
    std::memcpy(name, task.comm.data(), std::min<size_t>(task.comm.size(), HFT_COMM_LENGTH - 1));
    const __u32 count = std::atomic_ref<__u32>(view_.controls->rule_name_count).load(std::memory_order_acquire);
    for (__u32 i = 0; i < count; ++i) {
      const auto word = [&](int index) { return std::atomic_ref<__u64>(view_.rule_names[i].words[index]).load(std::memory_order_relaxed); };
      if (word(0) == name[0] && word(1) == name[1]) return true;
    }
    return false;
  }

  void NoticeExec(const TaskInfo& task, uint32_t old_tid) {
    if (std::atomic_ref<__u32>(view_.controls->rules_active).load(std::memory_order_relaxed) == 0) return;
    uint16_t slot = HFT_NO_SLOT;
    if (IsNamedByRule(task)) {
      slot = GiveSlot(task);
      if (slot != HFT_NO_SLOT) Word(task.tgid).fetch_or(uint64_t{1} << (task.tgid % 64), std::memory_order_seq_cst);
    }
    Deliver(LifeKind::kExec, task, slot, 0, old_tid, false);
  }

  void ExecHook(const TaskInfo& task, uint32_t old_tid) {
    if (!IsWatched(task.tgid)) return NoticeExec(task, old_tid);
    const uint16_t slot = PublishedSlotOf(old_tid);
    if (old_tid != task.tid) {
      Entry(old_tid).store(HFT_NO_SLOT, std::memory_order_release);
      if (slot != HFT_NO_SLOT) {
        Store(view_.slots[slot].tid, task.tid);
        Store(view_.slots[slot].start_ns, task.start_boottime_ns);
      }
      Entry(task.tid).store(slot, std::memory_order_release);
    }
    Deliver(LifeKind::kExec, task, slot, 0, old_tid, false);
  }

  const KernelView view_;
  FakeSlotStack* const stack_;
  FakeTaskSource* const tasks_;
  const EventFunction on_event_;
  std::mutex mutex_;
  bool losing_ = false;
  int64_t next_start_ns_ = 1'000'000;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_FAKES_FAKE_LIFE_HOOKS_H_
