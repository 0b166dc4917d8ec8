#include "daemon/collectors/deferred_programs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>

namespace hftmon {
namespace {

struct Row {
  std::string_view name;
  std::string_view part;  // of what is told, that it stands for
  hft_deferred_program number;
};

constexpr size_t kPartCount = 4;
// Ends before beginnings, as they are attached: what is begun is seen to end.
constexpr std::array<Row, HFT_DEFERRED_PROGRAMS> kRows = {{
    {"on_softirq_end", "softirqs", HFT_DEFERRED_SOFTIRQ_END},
    {"on_softirq_begin", "softirqs", HFT_DEFERRED_SOFTIRQ_BEGIN},
    {"on_softirq_raise", "softirqs", HFT_DEFERRED_SOFTIRQ_RAISE},
    {"on_work_end", "works of workqueues", HFT_DEFERRED_WORK_END},
    {"on_work_begin", "works of workqueues", HFT_DEFERRED_WORK_BEGIN},
    {"on_work_queued", "works of workqueues", HFT_DEFERRED_WORK_QUEUED},
    {"on_tasklet_end", "tasklets", HFT_DEFERRED_TASKLET_END},
    {"on_tasklet_begin", "tasklets", HFT_DEFERRED_TASKLET_BEGIN},
    {"on_thread_runs", "handlers of device interrupts and their threads", HFT_DEFERRED_THREAD_RUNS},
    {"on_handler_end", "handlers of device interrupts and their threads", HFT_DEFERRED_HANDLER_END},
    {"on_handler_begin", "handlers of device interrupts and their threads", HFT_DEFERRED_HANDLER_BEGIN},
}};

constexpr std::array<std::string_view, kRows.size()> NamesOfRows() {
  std::array<std::string_view, kRows.size()> names;
  for (size_t i = 0; i < kRows.size(); ++i) names[i] = kRows[i].name;
  return names;
}
constexpr std::array<std::string_view, kRows.size()> kNames = NamesOfRows();

const Row* Find(std::string_view program) {
  const auto row = std::find_if(kRows.begin(), kRows.end(), [program](const Row& one) { return one.name == program; });
  return row == kRows.end() ? nullptr : &*row;
}

// Relaxed: the count stands for itself.
uint64_t Load(const __u64& word) {
  return std::atomic_ref<__u64>(const_cast<__u64&>(word)).load(std::memory_order_relaxed);
}

}  // namespace

DeferredPrograms::DeferredPrograms(Parts parts)
    : parts_(std::move(parts)), demand_([this] { return Attach(); }, [this] { return Detach(); }) {}

std::span<const std::string_view> DeferredPrograms::Names() {
  return kNames;
}

void DeferredPrograms::LeaveOut(std::string_view program, const std::string& reason) {
  const Row* row = Find(program);
  if (row == nullptr || IsLeftOut(program)) return;
  missing_parts_.push_back(row->part);
  missing_.push_back(fmt::format("{}: {}", row->part, reason));
}

bool DeferredPrograms::IsLeftOut(std::string_view program) const {
  const Row* row = Find(program);
  return row != nullptr && std::find(missing_parts_.begin(), missing_parts_.end(), row->part) != missing_parts_.end();
}

std::string DeferredPrograms::refusal() const {
  return missing_parts_.size() == kPartCount ? missing_.front() : "";
}

absl::Status DeferredPrograms::Attach() {
  if (const std::string why = refusal(); !why.empty()) {
    return absl::FailedPreconditionError(fmt::format("probe group \"irq\" is not available on this host: {}", why));
  }
  if (absl::Status admitted = parts_.admit("attaching the programs of work that interrupts put off"); !admitted.ok()) return admitted;
  std::lock_guard lock(mutex_);
  parts_.begin();
  for (const Row& row : kRows) {
    if (IsLeftOut(row.name)) continue;
    absl::StatusOr<Attachment> attached = parts_.attach(std::string(row.name));
    if (!attached.ok()) {
      DropAll();
      return attached.status();
    }
    attachments_.push_back(*std::move(attached));
  }
  return absl::OkStatus();
}

absl::Status DeferredPrograms::Detach() {
  if (absl::Status admitted = parts_.admit("detaching the programs of work that interrupts put off"); !admitted.ok()) return admitted;
  std::lock_guard lock(mutex_);
  DropAll();
  return absl::OkStatus();
}

// Beginnings first, in the other order: what has begun is seen to end.
void DeferredPrograms::DropAll() {
  while (!attachments_.empty()) attachments_.pop_back();
}

bool DeferredPrograms::IsOne(std::string_view program) {
  return Find(program) != nullptr;
}

uint64_t DeferredPrograms::RunCount(std::string_view program, std::span<const hft_cpu_deferred> cpus) {
  const Row* row = Find(program);
  if (row == nullptr) return 0;
  uint64_t count = 0;
  for (const hft_cpu_deferred& cpu : cpus) count += Load(cpu.run_count[row->number]);
  return count;
}

}  // namespace hftmon
