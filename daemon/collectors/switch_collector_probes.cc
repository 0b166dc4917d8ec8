// The part of the switch collector that is about what its programs did and cost.
#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "daemon/collectors/interrupt_programs.h"
#include "daemon/collectors/memory_programs.h"
#include "daemon/collectors/switch_collector.h"

namespace hftmon {
namespace {

uint64_t Relaxed(const uint64_t& word) {
  return std::atomic_ref<uint64_t>(const_cast<uint64_t&>(word)).load(std::memory_order_relaxed);
}

}  // namespace

bool SwitchCollector::IsDetached(std::string_view program) const {
  if (program == waker_name_) return !waker_program_->attached();
  if (kernel_lock_programs_->IsOne(program)) return !kernel_lock_programs_->attached();
  if (return_programs_->IsOne(program)) return !return_programs_->attached();
  if (HardwarePrograms::IsOne(program)) return !hardware_programs_->attached();
  if (MemoryPrograms::IsOne(program)) return !memory_programs_->attached();
  if (CounterPrograms::IsOne(program)) return !counter_programs_->attached();
  if (DeferredPrograms::IsOne(program)) return !deferred_programs_->attached();
  return NetworkPrograms::IsOne(program) && !network_programs_->attached();
}

absl::Status SwitchCollector::MeasureCost(bool on) {
  if (on) {
    // The kernel's run statistics are switched on by patching its text.
    absl::Status admitted = gate_ == nullptr ? absl::OkStatus() : gate_->Admit("measuring the programs' cost");
    if (!admitted.ok()) return admitted;
    statistics_fd_ = bpf_enable_stats(BPF_STATS_RUN_TIME);
    if (statistics_fd_ < 0)
      return absl::PermissionDeniedError(fmt::format("BPF run statistics: {}: they need CAP_SYS_ADMIN", strerror(errno)));
    return absl::OkStatus();
  }
  if (statistics_fd_ < 0) return absl::OkStatus();
  close(statistics_fd_);
  statistics_fd_ = -1;
  std::lock_guard lock(mean_ns_mutex_);
  for (const BpfObject::Program& program : object_->Programs()) {
    bpf_prog_info info = {};
    uint32_t bytes = sizeof(info);
    if (bpf_obj_get_info_by_fd(program.fd, &info, &bytes) != 0 || info.run_cnt == 0) continue;
    mean_ns_[program.name] = static_cast<double>(info.run_time_ns) / static_cast<double>(info.run_cnt);
  }
  return absl::OkStatus();
}

std::vector<ProbeFigures> SwitchCollector::Probes() const {
  std::vector<ProbeFigures> figures;
  std::lock_guard lock(mean_ns_mutex_);
  for (const BpfObject::Program& program : object_->Programs()) {
    ProbeFigures probe;
    probe.name = program.name;
    const std::string_view attach_point = MemoryPrograms::AttachPoint(program.name);
    probe.attach_point = attach_point.empty() ? program.section : attach_point;
    for (const hft_cpu& cpu : view_.cpus) {
      if (program.name == "on_switch") probe.run_count += Relaxed(cpu.position);
      if (program.name == "on_fork") probe.run_count += Relaxed(cpu.fork_count);
      if (program.name == "on_exec") probe.run_count += Relaxed(cpu.exec_count);
      if (program.name == "on_migrate") probe.run_count += Relaxed(cpu.migrate_count);
      if (program.name == kBoostProgram) probe.run_count += Relaxed(cpu.boost_count);
      if (program.name == waker_name_) probe.run_count += Relaxed(cpu.waking_count);
    }
    probe.detached = IsDetached(program.name);
    probe.run_count += InterruptProgramRunCount(program.name, view_.interrupts) + MemoryPrograms::RunCount(program.name, view_.cpus) +
                       kernel_lock_programs_->RunCount(program.name, view_.cpus) + return_programs_->RunCount(program.name, view_.cpus) +
                       HardwarePrograms::RunCount(program.name, view_.hardware) + NetworkPrograms::RunCount(program.name, view_.network) +
                       DeferredPrograms::RunCount(program.name, view_.deferred) + CounterPrograms::RunCount(program.name, view_.cpus);
    bpf_prog_info info = {};
    uint32_t bytes = sizeof(info);
    if (bpf_obj_get_info_by_fd(program.fd, &info, &bytes) == 0) {
      probe.recursion_misses = info.recursion_misses;
      probe.instruction_count = static_cast<int32_t>(info.xlated_prog_len / 8);
    }
    if (auto mean = mean_ns_.find(program.name); mean != mean_ns_.end()) probe.mean_ns = mean->second;
    figures.push_back(probe);
  }
  return figures;
}

}  // namespace hftmon
