#include "daemon/unwind/user_unwinder.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>

#include "common/demangled_name.h"

namespace hftmon {
namespace {

constexpr size_t kTextBytesMax = 64u << 20;       // maps of the 65,530 mappings that the kernel allows, with long paths, are less
constexpr uint64_t kStackReachBytes = 64u << 20;  // what lies so far above the copy may still be the stack

// Of struct pt_regs, in the order of DWARF's x86-64 registers: rax rdx rcx rbx rsi rdi rbp rsp r8 … r15 rip.
constexpr int kDwarfOrder[] = {10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0, 16};
constexpr int kIp = 16;
constexpr int kSp = 19;

// One unwinding: what the callbacks of libdwfl see.
struct Walk {
  const hft_stack* record = nullptr;
  ProcessModules* modules = nullptr;
  bool beyond_copy = false;
  std::vector<StackFrame> frames;
};

StackFrame FrameAt(Walk* walk, uint64_t address, bool innermost) {
  StackFrame frame{.address = address, .symbol = {}, .symbol_offset = 0, .module = {}, .module_offset = 0};
  const uint64_t looked_up = innermost ? address : address - 1;
  Dwfl_Module* module = dwfl_addrmodule(walk->modules->dwfl(), looked_up);
  if (module == nullptr) {
    if (const Mapping* mapping = walk->modules->MappingAt(looked_up)) {
      frame.module = mapping->path;
      frame.module_offset = address - mapping->begin + mapping->offset;
    }
    return frame;
  }
  Dwarf_Addr bias = 0;
  const char* path = dwfl_module_info(module, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
  frame.module = path == nullptr ? "" : path;
  dwfl_module_getelf(module, &bias);
  frame.module_offset = address - bias;
  GElf_Off offset = 0;
  GElf_Sym symbol;
  const char* name = dwfl_module_addrinfo(module, looked_up, &offset, &symbol, nullptr, nullptr, nullptr);
  // A symbol that has a size and ends before the address is only the nearest one: not its function's.
  if (name == nullptr || (symbol.st_size != 0 && offset >= symbol.st_size)) return frame;
  frame.symbol = DemangledName(name);
  frame.symbol_offset = offset + (address - looked_up);
  return frame;
}

Walk* WalkOf(void* modules) {
  return static_cast<Walk*>(static_cast<ProcessModules*>(modules)->context());
}

pid_t NextThread(Dwfl*, void* argument, void** thread_argument) {
  if (*thread_argument != nullptr) return 0;
  *thread_argument = argument;
  return static_cast<pid_t>(WalkOf(argument)->record->tid);
}

bool ReadMemory(Dwfl*, Dwarf_Addr address, Dwarf_Word* result, void* argument) {
  Walk* walk = WalkOf(argument);
  const uint64_t begin = walk->record->registers[kSp];
  const uint64_t bytes = std::min<uint64_t>(walk->record->user_bytes, HFT_STACK_COPY_BYTES);
  const uint64_t offset = address - begin;
  if (address >= begin && offset + sizeof(uint64_t) <= bytes && offset <= bytes) {
    std::memcpy(result, walk->record->user + offset, sizeof(uint64_t));
    return true;
  }
  if (address >= begin && offset < kStackReachBytes) walk->beyond_copy = true;
  return false;
}

bool SetRegisters(Dwfl_Thread* thread, void* argument) {
  const Walk* walk = WalkOf(argument);
  Dwarf_Word registers[std::size(kDwarfOrder)];
  for (size_t i = 0; i < std::size(kDwarfOrder); ++i) registers[i] = walk->record->registers[kDwarfOrder[i]];
  return dwfl_thread_state_registers(thread, 0, std::size(registers), registers);
}

constexpr Dwfl_Thread_Callbacks kThreadCallbacks = {.next_thread = NextThread,
                                                    .get_thread = nullptr,
                                                    .memory_read = ReadMemory,
                                                    .set_initial_registers = SetRegisters,
                                                    .detach = nullptr,
                                                    .thread_detach = nullptr};

int AddFrame(Dwfl_Frame* state, void* argument) {
  Walk* walk = static_cast<Walk*>(argument);
  Dwarf_Addr address = 0;
  bool is_activation = false;
  if (!dwfl_frame_pc(state, &address, &is_activation)) return DWARF_CB_ABORT;
  walk->frames.push_back(FrameAt(walk, address, is_activation));
  return walk->frames.size() < kStackFramesMax ? DWARF_CB_OK : DWARF_CB_ABORT;
}

StackPart PartOf(Walk* walk, int result) {
  StackPart part;
  part.frames = std::move(walk->frames);
  part.state = StackState::kTruncated;
  if (part.frames.size() >= kStackFramesMax) {
    part.reason = fmt::format("it is deeper than {} frames", kStackFramesMax);
  } else if (walk->beyond_copy) {
    part.reason = fmt::format("it reaches beyond the {} bytes that were copied", walk->record->user_bytes);
  } else if (result != 0) {
    const std::string& problem = walk->modules->problem();
    const StackFrame* last = part.frames.empty() ? nullptr : &part.frames.back();
    part.reason = fmt::format("no unwind information for {:#x} in {}{}", last == nullptr ? 0 : last->module_offset,
                              last == nullptr || last->module.empty() ? "memory that is no file's" : last->module,
                              problem.empty() ? "" : " (" + problem + ")");
  } else {
    part.state = StackState::kComplete;
  }
  return part;
}

// The lines of executable mappings, kMappingsMax at most; nothing when they cannot be read.
std::string ReadExecutableLines(const std::string& path) {
  std::ifstream file(path);
  std::string lines;
  size_t line_count = 0;
  size_t bytes = 0;
  for (std::string line; line_count < kMappingsMax && bytes < kTextBytesMax && std::getline(file, line);) {
    bytes += line.size() + 1;
    if (!IsExecutableLine(line)) continue;
    lines += line + '\n';
    ++line_count;
  }
  return lines;
}

// Field 22 of stat, in clock ticks; 0 when the thread is gone.
uint64_t StartTicks(const std::string& task) {
  std::ifstream file(task + "/stat");
  const std::string stat{std::istreambuf_iterator<char>(file), {}};
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  uint64_t ticks = 0;
  fields >> ticks;
  return ticks;
}

constexpr uint64_t kNsPerTick = 10'000'000;  // USER_HZ is 100 on every architecture of ours

}  // namespace

int64_t UserUnwinder::SteadyNowNs() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool UserUnwinder::Refresh(const std::string& task, Known* known, std::string* reason) {
  const int64_t begin_ns = now_ns_();
  std::string maps = ReadExecutableLines(task + "/maps");
  const int64_t end_ns = now_ns_();
  ++maps_read_count_;
  if (maps.empty()) {
    *reason = fmt::format("{}/maps cannot be read: the process ended, or CAP_SYS_PTRACE is missing", task);
    return false;
  }
  known->fresh_until_ns = end_ns + std::min(kMapsRest * (end_ns - begin_ns), kMapsRestNsMax);
  if (known->modules == nullptr || known->maps != maps) {
    known->modules = ProcessModules::Build(task, ParseExecutableMappings(maps), reason);
    known->maps = std::move(maps);
    ++modules_built_count_;
  }
  return true;
}

ProcessModules* UserUnwinder::ModulesOf(const hft_stack& record, std::string* reason) {
  // The thread's own, which is there though not listed: a leader that has ended has no maps, and below task/ there are no map_files.
  const std::string task = fmt::format("{}/{}", proc_, record.tid);
  if (StartTicks(task) != record.start_ns / kNsPerTick) {
    *reason = fmt::format("thread {} of process {} ended before its stack was unwound", record.tid, record.tgid);
    return nullptr;
  }
  Known& known = known_[{record.tgid, record.start_ns}];
  known.last_use = ++use_count_;
  const bool fresh =
      known.modules != nullptr && now_ns_() < known.fresh_until_ns && known.modules->MappingAt(record.registers[kIp]) != nullptr;
  if (!fresh && !Refresh(task, &known, reason)) {
    known_.erase({record.tgid, record.start_ns});
    return nullptr;
  }
  ProcessModules* modules = known.modules.get();
  if (known_.size() > kProcessesMax) {
    known_.erase(
        std::min_element(known_.begin(), known_.end(), [](const auto& a, const auto& b) { return a.second.last_use < b.second.last_use; }));
  }
  return modules;
}

StackPart UserUnwinder::Unwind(const hft_stack& record) {
  StackPart part{StackState::kUnavailable, {}, {}};
  ProcessModules* modules = ModulesOf(record, &part.reason);
  if (modules == nullptr) return part;
  Walk walk{.record = &record, .modules = modules, .beyond_copy = false, .frames = {}};
  if (!modules->Attach(kThreadCallbacks, static_cast<pid_t>(record.tgid), &walk)) {
    part.reason = fmt::format("no file of it can be read: {}", modules->problem().empty() ? dwfl_errmsg(-1) : modules->problem());
    return part;
  }
  const int result = dwfl_getthread_frames(modules->dwfl(), static_cast<pid_t>(record.tid), AddFrame, &walk);
  return PartOf(&walk, result);
}

}  // namespace hftmon
