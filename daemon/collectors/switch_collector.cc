#include "daemon/collectors/switch_collector.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "common/histogram.h"
#include "daemon/bpf/immediates.h"
#include "daemon/collectors/interrupt_programs.h"
#include "daemon/collectors/memory_programs.h"
#include "daemon/collectors/page_pool.h"
#include "daemon/collectors/return_rings.h"
#include "daemon/collectors/stack_map.h"
#include "daemon/os/cpu_topology.h"
#include "daemon/os/msr_pmu.h"
#include "switch_btf.skel.h"
#include "switch_raw.skel.h"

namespace hftmon {
namespace {

// One of the two is loaded: see daemon/bpf/waker.bpf.h.
constexpr char kWakerByCount[] = "on_waking";
constexpr char kWakerByLevel[] = "on_waking_by_level";
// Ends before beginnings, as they are attached: none is missed.
constexpr TracepointGroup::Program kKernelLockPrograms[] = {{"on_contention_end", &hft_cpu::contention_end_count},
                                                            {"on_contention_begin", &hft_cpu::contention_begin_count}};
// Attached always, where the kernel has its tracepoint.
constexpr std::string_view kBoostPrograms[] = {SwitchCollector::kBoostProgram};
constexpr uint32_t kRingCellsMin = 512;
constexpr uint32_t kRingCellsMax = 8192;

uint32_t CellsPerRing(uint64_t bytes_total, uint32_t cpus) {
  const uint64_t cells = bytes_total / cpus / HFT_RECORD_BYTES;
  return std::clamp(std::bit_floor(static_cast<uint32_t>(std::min<uint64_t>(cells, kRingCellsMax))), kRingCellsMin, kRingCellsMax);
}

std::span<const std::byte> ObjectBytes(KernelAccess access) {
  size_t bytes = 0;
  const void* data = access == KernelAccess::kRaw ? switch_raw_bpf__elf_bytes(&bytes) : switch_btf_bpf__elf_bytes(&bytes);
  return {static_cast<const std::byte*>(data), bytes};
}

// Its number among the kernel's own types; 0 where the kernel has none.
uint32_t KernelTypeId(const char* name, uint32_t btf_kind) {
  btf* types = btf__load_vmlinux_btf();
  if (types == nullptr) return 0;
  const int type_id = btf__find_by_name_kind(types, name, btf_kind);
  btf__free(types);
  return static_cast<uint32_t>(std::max(type_id, 0));
}

// Whether a program that names this variable of the kernel's can be loaded: two instructions are tried.
bool KernelGives(uint32_t variable_id) {
  if (variable_id == 0) return false;
  const bpf_insn program[] = {
      {.code = BPF_LD | BPF_DW | BPF_IMM,
       .dst_reg = BPF_REG_1,
       .src_reg = BPF_PSEUDO_BTF_ID,
       .off = 0,
       .imm = static_cast<int32_t>(variable_id)},
      {.code = 0, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .src_reg = 0, .off = 0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
  };
  const int fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "hftmon_probe", "GPL", program, std::size(program), nullptr);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

// What holds the kernel's preempt count; 0 where it cannot be had. Where there is a pcpu_hot it is there, as the programs believe too.
uint32_t PreemptCountId(KernelAccess access) {
  if (access != KernelAccess::kBtf) return 0;
  const bool in_hot = KernelTypeId("pcpu_hot", BTF_KIND_STRUCT) != 0;
  const uint32_t id = KernelTypeId(in_hot ? "pcpu_hot" : "__preempt_count", BTF_KIND_VAR);
  return KernelGives(id) ? id : 0;
}

hft_register_access RegisterAccess(KernelAccess access, uint32_t register_offset, uint32_t cast_id) {
  if (access != KernelAccess::kBtf || register_offset == 0) return HFT_REGISTERS_NONE;
  return cast_id != 0 ? HFT_REGISTERS_BY_CAST : HFT_REGISTERS_BY_HELPER;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SwitchCollector>> SwitchCollector::Create(const Options& options) {
  if (::access(options.btf_path.c_str(), R_OK) != 0) {
    return absl::FailedPreconditionError(fmt::format(
        "BTF: {} cannot be read ({}): boot a kernel built with CONFIG_DEBUG_INFO_BTF=y, or set btf_path to a BTF file made for this kernel "
        "(raw tracepoints are then used)",
        options.btf_path, strerror(errno)));
  }
  KernelAccess access = options.access;
  if (access == KernelAccess::kAuto) access = options.btf_path == kKernelBtfPath ? KernelAccess::kBtf : KernelAccess::kRaw;
  absl::StatusOr<std::unique_ptr<SwitchCollector>> collector = CreateWith(options, access);
  const bool permitted = !absl::IsPermissionDenied(collector.status());
  if (!collector.ok() && permitted && options.access == KernelAccess::kAuto && access == KernelAccess::kBtf) {
    absl::StatusOr<std::unique_ptr<SwitchCollector>> fallback = CreateWith(options, KernelAccess::kRaw);
    if (fallback.ok()) {
      (*fallback)->fallback_reason_ = std::string(collector.status().message());
      return fallback;
    }
  }
  return collector;
}

absl::StatusOr<std::unique_ptr<SwitchCollector>> SwitchCollector::CreateWith(const Options& options, KernelAccess access) {
  const std::string custom_btf = options.btf_path == kKernelBtfPath ? "" : options.btf_path;
  absl::StatusOr<uint32_t> cpus = CpusOf(options);
  if (!cpus.ok()) return cpus.status();
  const uint32_t ring_cells = CellsPerRing(options.rings_bytes_total, *cpus);
  const uint32_t cast_id = access == KernelAccess::kBtf ? KernelTypeId("bpf_rdonly_cast", BTF_KIND_FUNC) : 0;
  const uint32_t preempt_count_id = PreemptCountId(access);
  const hft_register_access registers = RegisterAccess(access, options.register_offset, cast_id);
  BpfImmediates immediates = {{HFT_IMMEDIATE_RING_MASK, {ring_cells - 1}},
                              {HFT_IMMEDIATE_PID_BOUND, {options.pid_bound}},
                              {HFT_IMMEDIATE_SLOT_BOUND, {options.threads_max + 1}},
                              {HFT_IMMEDIATE_REGISTER_ACCESS, {registers}},
                              {HFT_IMMEDIATE_REGISTER_OFFSET, {options.register_offset}},
                              {HFT_IMMEDIATE_RETURN_MASK, {ReturnEntriesOf(*cpus) - 1}},
                              {HFT_IMMEDIATE_COUNTER_RING_MASK, {CounterSpansPerRing(*cpus) - 1}},
                              {HFT_IMMEDIATE_CAST, {cast_id, BpfImmediate::Kind::kFunction}}};
  // Raw programs do not name it.
  if (access == KernelAccess::kBtf) immediates[HFT_IMMEDIATE_PREEMPT_COUNT] = {preempt_count_id, BpfImmediate::Kind::kVariable};
  absl::StatusOr<std::unique_ptr<BpfObject>> object =
      BpfObject::Open("hftmon_switch", ObjectBytes(access), custom_btf, options.gate, immediates);
  if (!object.ok()) return object.status();
  std::unique_ptr<SwitchCollector> collector(new SwitchCollector(*std::move(object), access));
  collector->gate_ = options.gate;
  collector->has_registers_ = registers != HFT_REGISTERS_NONE;
  collector->view_.ring_count = *cpus;
  collector->view_.ring_cells = ring_cells;
  collector->reads_preempt_count_ = preempt_count_id != 0;
  collector->ChooseWakerProgram();
  collector->MakeDemandGroups();
  collector->MakeHardwarePrograms();
  collector->MakeNetworkPrograms();
  collector->MakeDeferredPrograms();
  collector->MakeReturnPrograms();
  collector->MakeCounterPrograms();
  if (absl::Status status = collector->Prepare(options); !status.ok()) return status;
  if (absl::Status status = collector->MapAll(); !status.ok()) return status;
  if (absl::Status status = collector->FillStack(options.threads_max); !status.ok()) return status;
  return collector;
}

absl::StatusOr<uint32_t> SwitchCollector::CpusOf(const Options& options) {
  if (options.threads_max < 1 || options.threads_max > 65534) {
    return absl::InvalidArgumentError(fmt::format("threads_max {}: must be 1 to 65534", options.threads_max));
  }
  if (options.pid_bound < 1 || options.pid_bound > HFT_PID_LIMIT) {
    return absl::InvalidArgumentError(fmt::format("pid bound {}: must be 1 to {} (kernel.pid_max)", options.pid_bound, HFT_PID_LIMIT));
  }
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0) return absl::InternalError(fmt::format("possible CPUs cannot be counted: {}", strerror(-cpus)));
  if (cpus > HFT_CPUS_MAX) {
    return absl::FailedPreconditionError(
        fmt::format("possible CPUs: {}: this build keeps the state of {}: raise HFT_CPUS_MAX and rebuild", cpus, HFT_CPUS_MAX));
  }
  return static_cast<uint32_t>(cpus);
}

absl::Status SwitchCollector::Prepare(const Options& options) {
  const uint32_t ring_bytes = static_cast<uint32_t>(sizeof(hft_ring_header)) + view_.ring_cells * HFT_RECORD_BYTES;
  absl::StatusOr<std::vector<BpfObject::Program>> left_out = object_->LeaveOutMissing(InterruptProgramNames());
  if (!left_out.ok()) return left_out.status();
  absl::StatusOr<std::vector<BpfObject::Program>> no_boosts = object_->LeaveOutMissing(kBoostPrograms);
  if (!no_boosts.ok()) return no_boosts.status();
  left_out->insert(left_out->end(), no_boosts->begin(), no_boosts->end());
  for (const BpfObject::Program& program : *left_out) NoteMissing(program);
  const uint32_t slot_count = options.threads_max + 1;
  for (absl::Status status : {object_->ResizeMap("interrupts", view_.ring_count),
                              object_->ResizeMap("stolen", slot_count),
                              object_->ResizeMap("rings", view_.ring_count, ring_bytes),
                              object_->CutSection(".bss", "slots", slot_count * sizeof(hft_thread_slot)),
                              object_->ResizeMap("audits", view_.ring_count),
                              object_->ResizeMap("slot_of_tid", (options.pid_bound + 3) / 4),
                              object_->ResizeMap("free_slots", options.threads_max),
                              object_->ResizeMap("stack_copies", std::min(options.threads_max, options.stack_threads_max) + 1),
                              object_->ResizeMap("thread_calls", std::min(options.threads_max, options.call_threads_max) + 1),
                              PrepareMemoryPrograms(),
                              PrepareGroup(kernel_lock_programs_.get()),
                              PrepareReturnPrograms(),
                              PrepareHardwarePrograms(),
                              PrepareNetworkPrograms(),
                              PrepareDeferredPrograms(),
                              PrepareCounterPrograms(options),
                              object_->ResizeMap("network", view_.ring_count),
                              object_->ResizeMap("thread_kernel", std::min(options.threads_max, options.kernel_threads_max) + 1),
                              object_->ResizeMap("arrived_shootdowns", view_.ring_count),
                              object_->ResizeMap("sender_stacks", HFT_SENDER_STACKS, StackMapBytes(FileRoot(), HFT_SENDER_STACK_FRAMES)),
                              object_->ResizeMap("process_collapses", std::min(options.threads_max, options.kernel_threads_max) + 1),
                              object_->LeaveOut(reads_preempt_count_ ? kWakerByLevel : kWakerByCount),
                              object_->KeepDetached(waker_name_),
                              object_->Load()}) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

void SwitchCollector::ChooseWakerProgram() {
  waker_name_ = reads_preempt_count_ ? kWakerByCount : kWakerByLevel;
  waker_program_ =
      std::make_unique<DemandProgram>([this] { return object_->Attach(waker_name_); }, [this] { return object_->Detach(waker_name_); });
}

void SwitchCollector::NoteMissing(const BpfObject::Program& program) {
  const std::string tracepoint = program.section.substr(program.section.rfind('/') + 1);
  missing_programs_.push_back({program.name, program.section, fmt::format("this kernel has no tracepoint {}", tracepoint)});
}

void SwitchCollector::MakeDemandGroups() {
  MemoryPrograms::Parts parts;
  parts.admit = [this](const std::string& what) { return gate_ == nullptr ? absl::OkStatus() : gate_->Admit(what); };
  parts.online = [] { return ReadOnlineCpus(FileRoot()); };
  parts.open_event = OpenFaultEvent;
  parts.attach = [this](const std::string& program) { return object_->Link(program); };
  parts.attach_to_event = [this](const std::string& program, int event_fd) { return object_->Link(program, event_fd); };
  parts.cpus = [this]() -> std::span<const hft_cpu> { return view_.cpus; };
  kernel_lock_programs_ = std::make_unique<TracepointGroup>("kernel_locks", kKernelLockPrograms,
                                                            TracepointGroup::Parts{.admit = parts.admit, .attach = parts.attach});
  memory_programs_ = std::make_unique<MemoryPrograms>(std::move(parts));
}

// Where one cannot be had none is loaded.
absl::Status SwitchCollector::PrepareGroup(TracepointGroup* group) {
  const std::vector<std::string_view> names = group->Names();
  absl::StatusOr<std::vector<BpfObject::Program>> left_out = object_->LeaveOutMissing(names);
  if (!left_out.ok()) return left_out.status();
  if (!left_out->empty()) group->Refuse(fmt::format("this kernel has no {}", left_out->front().section));
  for (const std::string_view name : names) {
    const std::string program(name);
    absl::Status status = group->refusal().empty() ? object_->KeepDetached(program) : object_->LeaveOut(program);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status SwitchCollector::LeaveOutOptional() {
  absl::StatusOr<std::vector<BpfObject::Program>> left_out = object_->LeaveOutMissing(MemoryPrograms::OptionalNames());
  if (!left_out.ok()) return left_out.status();
  for (const BpfObject::Program& program : *left_out) {
    NoteMissing(program);
    memory_programs_->LeaveOut(program.name, missing_programs_.back().reason);
  }
  return absl::OkStatus();
}

// They belong together: where one cannot be had none is loaded.
absl::Status SwitchCollector::PrepareMemoryPrograms() {
  absl::StatusOr<std::vector<BpfObject::Program>> left_out = object_->LeaveOutMissing(MemoryPrograms::TracepointNames());
  if (!left_out.ok()) return left_out.status();
  if (left_out->empty()) {
    memory_programs_->TryEvents();
  } else {
    memory_programs_->Refuse(fmt::format("this kernel has no {}", left_out->front().section));
  }
  if (absl::Status status = LeaveOutOptional(); !status.ok()) return status;
  for (const std::string& name : MemoryPrograms::Names()) {
    absl::Status status = memory_programs_->refusal().empty() ? object_->KeepDetached(name) : object_->LeaveOut(name);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

void SwitchCollector::MakeHardwarePrograms() {
  HardwarePrograms::Parts parts;
  const MsrPmu pmu = MsrPmu::Read(FileRoot());
  parts.admit = [this](const std::string& what) { return gate_ == nullptr ? absl::OkStatus() : gate_->Admit(what); };
  parts.online = [] { return ReadOnlineCpus(FileRoot()); };
  parts.open_event = [pmu](const std::string& event, int cpu) { return OpenMsrEvent(pmu, event, cpu); };
  parts.put_event = [this](uint32_t place, int event_fd) { return PutCounter(place, event_fd); };
  parts.attach = [this](const std::string& program) { return object_->Link(program); };
  parts.cpus = [this] { return view_.hardware; };
  hardware_programs_ = std::make_unique<HardwarePrograms>(std::move(parts));
  for (const std::string_view counter : HardwarePrograms::CounterNames()) {
    if (std::string why = pmu.WhyNot(std::string(counter)); !why.empty()) hardware_programs_->LeaveOut(counter, std::move(why));
  }
}

absl::Status SwitchCollector::PutCounter(uint32_t place, int event_fd) {
  const absl::StatusOr<int> map_fd = object_->MapFd("hardware_counters");
  if (!map_fd.ok()) return map_fd.status();
  const int failed = event_fd < 0 ? bpf_map_delete_elem(*map_fd, &place) : bpf_map_update_elem(*map_fd, &place, &event_fd, BPF_ANY);
  const int error = errno;
  if (event_fd >= 0) close(event_fd);  // the map keeps the event
  return failed == 0 ? absl::OkStatus() : absl::InternalError(fmt::format("counter {} of the msr PMU: {}", place, strerror(error)));
}

// Each for itself: what the kernel has is loaded.
absl::Status SwitchCollector::PrepareHardwarePrograms() {
  absl::StatusOr<std::vector<BpfObject::Program>> left_out = object_->LeaveOutMissing(HardwarePrograms::ProgramNames());
  if (!left_out.ok()) return left_out.status();
  for (const BpfObject::Program& program : *left_out) {
    const std::string tracepoint = program.section.substr(program.section.rfind('/') + 1);
    hardware_programs_->LeaveOut(program.name, fmt::format("this kernel has no tracepoint {}", tracepoint));
  }
  for (const std::string_view name : HardwarePrograms::ProgramNames()) {
    if (!hardware_programs_->WhyNot(name).empty()) continue;
    if (absl::Status status = object_->KeepDetached(std::string(name)); !status.ok()) return status;
  }
  for (absl::Status status :
       {object_->ResizeMap("hardware", view_.ring_count), object_->ResizeMap("hardware_counters", view_.ring_count * HFT_COUNTERS)}) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

void SwitchCollector::MakeNetworkPrograms() {
  NetworkPrograms::Parts parts;
  parts.admit = [this](const std::string& what) { return gate_ == nullptr ? absl::OkStatus() : gate_->Admit(what); };
  parts.attach = [this](const std::string& program) { return object_->Link(program); };
  parts.begin = [this] {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const auto now_ns = static_cast<__u64>(now.tv_sec) * 1'000'000'000 + static_cast<__u64>(now.tv_nsec);
    for (hft_cpu_network& cpu : view_.network) std::atomic_ref<__u64>(cpu.since_ns).store(now_ns, std::memory_order_relaxed);
  };
  network_programs_ = std::make_unique<NetworkPrograms>(std::move(parts));
}

// Each is left out by itself where this kernel lacks its tracepoint.
absl::Status SwitchCollector::PrepareNetworkPrograms() {
  absl::StatusOr<std::vector<BpfObject::Program>> left_out = object_->LeaveOutMissing(NetworkPrograms::Names());
  if (!left_out.ok()) return left_out.status();
  for (const BpfObject::Program& program : *left_out) {
    const std::string reason = fmt::format("this kernel has no tracepoint {}", program.section.substr(program.section.rfind('/') + 1));
    network_programs_->LeaveOut(program.name, reason);
    missing_programs_.push_back({program.name, program.section, reason});
  }
  for (const std::string_view name : NetworkPrograms::Names()) {
    const auto missing = [name](const BpfObject::Program& program) { return program.name == name; };
    if (std::any_of(left_out->begin(), left_out->end(), missing)) continue;
    if (absl::Status status = object_->KeepDetached(std::string(name)); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status SwitchCollector::MapSmallTables() {
  auto network = object_->MapArray("network");
  auto socket_paths = object_->MapArray("socket_paths");
  auto collapses = object_->MapArray("process_collapses");
  auto shootdowns = object_->MapArray("arrived_shootdowns");
  if (!shootdowns.ok()) return shootdowns.status();
  if (!collapses.ok()) return collapses.status();
  if (!network.ok()) return network.status();
  if (!socket_paths.ok()) return socket_paths.status();
  view_.network = {reinterpret_cast<hft_cpu_network*>(network->data), network->entries};
  view_.shootdowns = {reinterpret_cast<hft_cpu_shootdowns*>(shootdowns->data), shootdowns->entries};
  view_.collapses = {reinterpret_cast<hft_process_collapses*>(collapses->data), collapses->entries};
  view_.socket_paths = {reinterpret_cast<hft_socket_path*>(socket_paths->data), socket_paths->entries};
  return absl::OkStatus();
}

std::vector<uint64_t> SwitchCollector::SenderStack(int32_t stack) const {
  const absl::StatusOr<int> map_fd = object_->MapFd("sender_stacks");
  return map_fd.ok() ? ReadStackMap(*map_fd, static_cast<uint32_t>(stack), HFT_SENDER_STACK_FRAMES) : std::vector<uint64_t>();
}

void SwitchCollector::FillCpus() {
  __u8 table[HFT_OCTAVE_TABLE_ENTRIES];
  for (size_t i = 0; i < std::size(table); ++i) {
    const size_t bucket = BucketOf(static_cast<int64_t>(i) * HFT_OCTAVE_BUCKETS);
    const int width_log2 = std::countr_zero(static_cast<uint64_t>(BucketUpperNs(bucket) - BucketLowerNs(bucket)));
    table[i] = static_cast<__u8>(bucket / HFT_OCTAVE_BUCKETS * 4 | static_cast<size_t>(width_log2) << HFT_OCTAVE_TABLE_SHIFT);
  }
  for (hft_cpu& cpu : view_.cpus) std::memcpy(cpu.octave_table, table, sizeof(table));
}

absl::Status SwitchCollector::MapAll() {
  auto cpus = object_->MapVariable(".bss", "cpus");
  auto rings = object_->MapArray("rings");
  auto interrupts = object_->MapArray("interrupts");
  auto stolen = object_->MapArray("stolen");
  auto calls = object_->MapArray("thread_calls");
  auto kernel = object_->MapArray("thread_kernel");
  auto hardware = object_->MapArray("hardware");
  auto slots = object_->MapVariable(".bss", "slots");
  auto slot_of_tid = object_->MapArray("slot_of_tid");
  auto controls = object_->MapVariable(".bss", "controls");
  auto bits = object_->MapVariable(".bss", "watched_bits");
  auto pool = object_->MapVariable(".bss", "histogram_pool");
  auto stack_ring = object_->MapArray("stack_ring");
  auto audits = object_->MapArray("audits");
  auto rule_names = object_->MapVariable(".bss", "rule_names");
  auto free_slots = object_->MapFd("free_slots");
  for (const absl::Status& status : {cpus.status(), rings.status(), interrupts.status(), stolen.status(), calls.status(), kernel.status(),
                                     hardware.status(), slots.status(), slot_of_tid.status(), controls.status(), bits.status(),
                                     pool.status(), stack_ring.status(), audits.status(), rule_names.status(), free_slots.status()}) {
    if (!status.ok()) return status;
  }
  view_.controls = reinterpret_cast<hft_controls*>(*controls);
  view_.watched_bits = {reinterpret_cast<uint64_t*>(*bits), HFT_PID_LIMIT / 64};
  view_.slot_of_tid = {reinterpret_cast<uint16_t*>(slot_of_tid->data), size_t{slot_of_tid->entries} * 4};
  view_.slots = {reinterpret_cast<hft_thread_slot*>(*slots), stolen->entries};
  view_.histogram_pool = reinterpret_cast<hft_histogram_pool*>(*pool);
  PagePool(view_.histogram_pool).Fill();
  view_.cpus = {reinterpret_cast<hft_cpu*>(*cpus), view_.ring_count};
  view_.audits = {reinterpret_cast<hft_audit*>(audits->data), audits->entries};
  view_.rule_names = {reinterpret_cast<hft_rule_name*>(*rule_names), HFT_RULE_NAMES_MAX};
  view_.interrupts = {reinterpret_cast<hft_cpu_interrupts*>(interrupts->data), view_.ring_count};
  view_.stolen = {reinterpret_cast<hft_stolen*>(stolen->data), stolen->entries};
  view_.calls = {reinterpret_cast<hft_thread_calls*>(calls->data), calls->entries};
  view_.kernel = {reinterpret_cast<hft_thread_kernel*>(kernel->data), kernel->entries};
  view_.hardware = {reinterpret_cast<hft_cpu_hardware*>(hardware->data), hardware->entries};
  view_.rings = rings->data;
  view_.ring_stride_bytes = rings->stride_bytes;
  view_.stack_ring = reinterpret_cast<const hft_stack_ring*>(stack_ring->data);
  FillCpus();
  StoreThresholds(view_, {}, {});
  view_.controls->follow_children = 1;
  free_slots_fd_ = *free_slots;
  if (absl::Status status = MapSmallTables(); !status.ok()) return status;
  if (absl::Status status = MapReturns(); !status.ok()) return status;
  if (absl::Status status = MapDeferred(); !status.ok()) return status;
  return MapCounters();
}

absl::Status SwitchCollector::Attach() {
  return object_->AttachAll();
}

}  // namespace hftmon
