#include "daemon/collectors/bpf_object.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <fstream>

namespace hftmon {
namespace {

constexpr size_t kLogKeptBytes = 1500;

// libbpf has one print callback for the whole process. What it said last, on this thread, explains the failure of this thread's call.
thread_local std::string last_words;

int KeepLastWords(libbpf_print_level level, const char* format, va_list arguments) {
  if (level == LIBBPF_DEBUG) return 0;
  va_list measured;
  va_copy(measured, arguments);
  const int length = vsnprintf(nullptr, 0, format, measured);
  va_end(measured);
  if (length <= 0) return 0;
  std::string line(static_cast<size_t>(length) + 1, '\0');
  vsnprintf(line.data(), line.size(), format, arguments);
  line.pop_back();
  last_words += line;
  // The verifier's verdict stands at the end of its log.
  if (last_words.size() > kLogKeptBytes) last_words.erase(0, last_words.size() - kLogKeptBytes);
  return 0;
}

uint64_t RoundUp(uint64_t value, uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}

}  // namespace

BpfObject::BpfObject(std::string name, bpf_object* object, std::string btf_path, const QuietGate* gate)
    : name_(std::move(name)), object_(object), btf_path_(std::move(btf_path)), gate_(gate) {}

absl::Status BpfObject::Admit(const std::string& what) const {
  return gate_ == nullptr ? absl::OkStatus() : gate_->Admit(what + " '" + name_ + "'");
}

BpfObject::~BpfObject() {
  for (bpf_link* link : links_) bpf_link__destroy(link);
  for (const auto& [program, link] : demand_links_) bpf_link__destroy(link);
  for (const auto& [map, mapping] : mappings_) munmap(mapping.data, mapping.bytes);
  bpf_object__close(object_);
}

absl::StatusOr<std::unique_ptr<BpfObject>> BpfObject::Open(const std::string& name, std::span<const std::byte> bytes,
                                                           const std::string& btf_path, const QuietGate* gate,
                                                           const BpfImmediates& immediates) {
  std::vector<std::byte> image(bytes.begin(), bytes.end());
  if (const absl::Status status = SetImmediates(image, immediates); !status.ok()) {
    return absl::InternalError(fmt::format("BPF object '{}': {}", name, std::string(status.message())));
  }
  libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
  libbpf_set_print(KeepLastWords);
  last_words.clear();
  LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = name.c_str());
  // Named even where it is the kernel's own: of a type that is not in it libbpf would else search all modules, which takes CAP_SYS_ADMIN.
  options.btf_custom_path = btf_path.empty() ? kKernelBtfPath : btf_path.c_str();
  bpf_object* object = bpf_object__open_mem(image.data(), image.size(), &options);
  if (object == nullptr) {
    return absl::InternalError(fmt::format("BPF object '{}': cannot be opened: {}: {}", name, strerror(errno), last_words));
  }
  return std::unique_ptr<BpfObject>(new BpfObject(name, object, btf_path, gate));
}

absl::Status BpfObject::Explain(const std::string& what, int error) const {
  const std::string cause = fmt::format("BPF object '{}': {}: {}", name_, what, strerror(error));
  if (error == EPERM || error == EACCES) {
    if (last_words.find("invalid") == std::string::npos) {
      return absl::PermissionDeniedError(cause +
                                         ": run hftmond as root, or give it CAP_BPF, CAP_PERFMON and CAP_SYS_RESOURCE (and CAP_SYS_ADMIN "
                                         "where the kernel is locked down)");
    }
  }
  if (error == ESRCH || error == ENOENT || error == EOPNOTSUPP) {
    return absl::FailedPreconditionError(
        fmt::format("{}: this kernel lacks something the program needs; `hftmon doctor` lists it. libbpf said: {}", cause, last_words));
  }
  return absl::InternalError(fmt::format("{}: libbpf said: {}", cause, last_words));
}

absl::StatusOr<bpf_map*> BpfObject::FindMap(const std::string& map) const {
  bpf_map* found = bpf_object__find_map_by_name(object_, map.c_str());
  if (found == nullptr) return absl::InternalError(fmt::format("BPF object '{}' has no map '{}'", name_, map));
  return found;
}

absl::Status BpfObject::ResizeMap(const std::string& map, uint32_t entries, uint32_t value_bytes) {
  absl::StatusOr<bpf_map*> found = FindMap(map);
  if (!found.ok()) return found.status();
  if (int error = bpf_map__set_max_entries(*found, entries); error != 0) return Explain("map '" + map + "' cannot be resized", -error);
  if (value_bytes != 0) {
    if (int error = bpf_map__set_value_size(*found, value_bytes); error != 0) return Explain("map '" + map + "' cannot be resized", -error);
  }
  return absl::OkStatus();
}

absl::Status BpfObject::CutSection(const std::string& section, const std::string& variable, size_t bytes) {
  absl::StatusOr<Variable> found = FindVariable(section, variable);
  if (!found.ok()) return found.status();
  if (!found->last) return absl::InternalError(fmt::format("BPF object '{}': '{}' is not the last in '{}'", name_, variable, section));
  // A libbpf before 1.3 does not cut the section's type with it, and loads it without one after a word about it.
  return ResizeMap(section, 1, static_cast<uint32_t>(found->offset + bytes));
}

absl::StatusOr<BpfObject::Variable> BpfObject::FindVariable(const std::string& section, const std::string& variable) const {
  const btf* types = bpf_object__btf(object_);
  const int section_id = btf__find_by_name_kind(types, section.c_str(), BTF_KIND_DATASEC);
  if (section_id < 0) return absl::InternalError(fmt::format("BPF object '{}' has no section '{}'", name_, section));
  const btf_type* datasec = btf__type_by_id(types, static_cast<uint32_t>(section_id));
  const btf_var_secinfo* info = btf_var_secinfos(datasec);
  for (int i = 0; i < btf_vlen(datasec); ++i) {
    const btf_type* type = btf__type_by_id(types, info[i].type);
    if (variable != btf__name_by_offset(types, type->name_off)) continue;
    return Variable{.offset = info[i].offset, .last = info[i].offset + info[i].size == datasec->size};
  }
  return absl::InternalError(fmt::format("BPF object '{}' has no variable '{}' in '{}'", name_, variable, section));
}

absl::StatusOr<std::vector<BpfObject::Program>> BpfObject::LeaveOutMissing(std::span<const std::string_view> optional_programs) {
  btf* types = btf_path_.empty() ? btf__load_vmlinux_btf() : btf__parse(btf_path_.c_str(), nullptr);
  if (types == nullptr) return Explain("the kernel's types cannot be read", errno);
  std::vector<Program> left_out;
  for (const std::string_view name : optional_programs) {
    bpf_program* program = FindProgram(std::string(name));
    if (program == nullptr) {
      btf__free(types);
      return absl::InternalError(fmt::format("BPF object '{}' has no program '{}'", name_, name));
    }
    const std::string section = bpf_program__section_name(program);
    const std::string place = section.substr(section.rfind('/') + 1);
    // The kernel names each tracepoint's prototype so.
    if (btf__find_by_name_kind(types, ("btf_trace_" + place).c_str(), BTF_KIND_TYPEDEF) > 0) continue;
    bpf_program__set_autoload(program, false);
    left_out.push_back({std::string(name), section, -1});
  }
  btf__free(types);
  return left_out;
}

absl::Status BpfObject::LeaveOut(const std::string& program) {
  bpf_program* found = FindProgram(program);
  if (found == nullptr) return absl::InternalError(fmt::format("BPF object '{}' has no program '{}'", name_, program));
  bpf_program__set_autoload(found, false);
  return absl::OkStatus();
}

absl::Status BpfObject::KeepDetached(const std::string& program) {
  if (FindProgram(program) == nullptr) return absl::InternalError(fmt::format("BPF object '{}' has no program '{}'", name_, program));
  demand_links_[program] = nullptr;
  return absl::OkStatus();
}

absl::Status BpfObject::Load() {
  if (absl::Status admitted = Admit("loading the programs and maps of"); !admitted.ok()) return admitted;
  last_words.clear();
  if (int error = bpf_object__load(object_); error != 0) return Explain("cannot be loaded", -error);
  ReleaseImages();
  return absl::OkStatus();
}

// libbpf keeps the image of .bss that it gave the kernel: nobody looks at it again, and it is as large as the section.
void BpfObject::ReleaseImages() {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object_) {
    if (!bpf_map__is_internal(map) || strstr(bpf_map__name(map), ".bss") == nullptr) continue;
    size_t bytes = 0;
    void* image = const_cast<void*>(bpf_map__initial_value(map, &bytes));
    if (image != nullptr) madvise(image, RoundUp(bytes, static_cast<uint64_t>(sysconf(_SC_PAGESIZE))), MADV_REMOVE);
  }
}

absl::StatusOr<BpfObject::Mapping> BpfObject::Map(bpf_map* map) {
  if (const auto known = mappings_.find(map); known != mappings_.end()) return known->second;
  Mapping mapping;
  mapping.entries = bpf_map__max_entries(map);
  mapping.stride_bytes = RoundUp(bpf_map__value_size(map), 8);
  mapping.bytes = RoundUp(mapping.stride_bytes * mapping.entries, static_cast<uint64_t>(sysconf(_SC_PAGESIZE)));
  void* data = mmap(nullptr, mapping.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
  if (data == MAP_FAILED) return Explain(fmt::format("map '{}' cannot be mapped", bpf_map__name(map)), errno);
  mapping.data = static_cast<std::byte*>(data);
  mappings_.emplace(map, mapping);
  return mapping;
}

absl::StatusOr<BpfObject::Mapping> BpfObject::MapArray(const std::string& map) {
  absl::StatusOr<bpf_map*> found = FindMap(map);
  if (!found.ok()) return found.status();
  return Map(*found);
}

absl::StatusOr<std::byte*> BpfObject::MapVariable(const std::string& section, const std::string& variable) {
  absl::StatusOr<Variable> found = FindVariable(section, variable);
  if (!found.ok()) return found.status();
  // By the section's name, which is not the map's: that has the object's before it. libbpf's own copy of the section is not the kernel's
  // memory unless a skeleton loaded it: map the kernel's.
  absl::StatusOr<Mapping> mapping = MapArray(section);
  if (!mapping.ok()) return mapping.status();
  return mapping->data + found->offset;
}

absl::StatusOr<int> BpfObject::MapFd(const std::string& map) const {
  absl::StatusOr<bpf_map*> found = FindMap(map);
  if (!found.ok()) return found.status();
  return bpf_map__fd(*found);
}

absl::Status BpfObject::AttachAll() {
  if (absl::Status admitted = Admit("attaching the programs of"); !admitted.ok()) return admitted;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_) {
    if (!bpf_program__autoload(program) || demand_links_.contains(bpf_program__name(program))) continue;
    last_words.clear();
    bpf_link* link = bpf_program__attach(program);
    if (link == nullptr) return Explain(fmt::format("program '{}' cannot be attached", bpf_program__name(program)), errno);
    links_.push_back(link);
  }
  return absl::OkStatus();
}

absl::Status BpfObject::Attach(const std::string& program) {
  const auto kept = demand_links_.find(program);
  if (kept == demand_links_.end()) return absl::InternalError(fmt::format("BPF object '{}' keeps no program '{}'", name_, program));
  if (kept->second != nullptr) return absl::OkStatus();
  if (absl::Status admitted = Admit(fmt::format("attaching the program '{}' of", program)); !admitted.ok()) return admitted;
  last_words.clear();
  kept->second = bpf_program__attach(FindProgram(program));
  if (kept->second == nullptr) return Explain(fmt::format("program '{}' cannot be attached", program), errno);
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<void>> BpfObject::Link(const std::string& program, int event_fd) {
  last_words.clear();
  bpf_program* found = FindProgram(program);
  bpf_link* link = event_fd < 0 ? bpf_program__attach(found) : bpf_program__attach_perf_event(found, event_fd);
  const int error = errno;
  if (link != nullptr) return std::shared_ptr<void>(link, [](void* attached) { bpf_link__destroy(static_cast<bpf_link*>(attached)); });
  if (event_fd >= 0) close(event_fd);  // else it is the link's
  return Explain(fmt::format("program '{}' cannot be attached", program), error);
}

absl::Status BpfObject::Detach(const std::string& program) {
  const auto kept = demand_links_.find(program);
  if (kept == demand_links_.end() || kept->second == nullptr) return absl::OkStatus();
  if (absl::Status admitted = Admit(fmt::format("detaching the program '{}' of", program)); !admitted.ok()) return admitted;
  bpf_link__destroy(kept->second);
  kept->second = nullptr;
  return absl::OkStatus();
}

std::vector<BpfObject::Program> BpfObject::Programs() const {
  std::vector<Program> programs;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_) {
    if (!bpf_program__autoload(program)) continue;
    programs.push_back({bpf_program__name(program), bpf_program__section_name(program), bpf_program__fd(program)});
  }
  return programs;
}

bpf_program* BpfObject::FindProgram(const std::string& name) const {
  return bpf_object__find_program_by_name(object_, name.c_str());
}

int64_t BpfObject::MapBytes() const {
  int64_t total = 0;
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object_) {
    std::ifstream fdinfo(fmt::format("/proc/self/fdinfo/{}", bpf_map__fd(map)));
    std::string key;
    while (fdinfo >> key) {
      int64_t bytes = 0;
      if (key == "memlock:" && fdinfo >> bytes) total += bytes;
    }
  }
  return total;
}

}  // namespace hftmon
