// BpfObject: one loaded CO-RE object: its maps, its programs, and why it could not be loaded.
//
// Owner: a collector. Everything in the kernel goes away with it (nothing is pinned). Threads: the thread that starts and stops the daemon.
// Errors: PERMISSION_DENIED (which capability), FAILED_PRECONDITION (what the kernel lacks), INTERNAL (the verifier's last words).
#ifndef HFTMON_DAEMON_COLLECTORS_BPF_OBJECT_H_
#define HFTMON_DAEMON_COLLECTORS_BPF_OBJECT_H_

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/collectors/bpf_immediates.h"
#include "daemon/collectors/quiet_gate.h"

struct bpf_object;
struct bpf_map;
struct bpf_program;
struct bpf_link;

namespace hftmon {

// The types of the running kernel.
inline constexpr char kKernelBtfPath[] = "/sys/kernel/btf/vmlinux";

class BpfObject {
 public:
  // `bytes` is the compiled object; `btf_path` names a BTF file for kernels without their own, empty otherwise. `gate` is asked before
  // anything is loaded or attached (its error is given back), and outlives the object; null: nobody is asked. Each of the `immediates` is
  // in it.
  static absl::StatusOr<std::unique_ptr<BpfObject>> Open(const std::string& name, std::span<const std::byte> bytes,
                                                         const std::string& btf_path, const QuietGate* gate = nullptr,
                                                         const BpfImmediates& immediates = {});
  ~BpfObject();
  BpfObject(const BpfObject&) = delete;
  BpfObject& operator=(const BpfObject&) = delete;

  // Before Load.
  absl::Status ResizeMap(const std::string& map, uint32_t entries, uint32_t value_bytes = 0);
  // Leaves `bytes` of a section's last variable.
  absl::Status CutSection(const std::string& section, const std::string& variable, size_t bytes);

  struct Program {
    std::string name;
    std::string section;
    int fd = -1;
  };
  // Leaves out the programs whose tracepoint the kernel's types (or `btf_path`) do not have; these. The others stay required.
  absl::StatusOr<std::vector<Program>> LeaveOutMissing(std::span<const std::string_view> optional_programs);

  // Before Load: it is not loaded.
  absl::Status LeaveOut(const std::string& program);
  // Before Load: AttachAll leaves it alone.
  absl::Status KeepDetached(const std::string& program);

  absl::Status Load();

  // After Load. The mapping lives as long as the object. Entries of an array map are `stride_bytes` apart.
  struct Mapping {
    std::byte* data = nullptr;
    uint64_t bytes = 0;
    uint64_t stride_bytes = 0;
    uint32_t entries = 0;
  };
  absl::StatusOr<Mapping> MapArray(const std::string& map);
  absl::StatusOr<std::byte*> MapVariable(const std::string& section, const std::string& variable);
  absl::StatusOr<int> MapFd(const std::string& map) const;
  // All that were loaded, but for those kept detached.
  absl::Status AttachAll();
  // One that is kept detached. Any one thread at a time. The gate is asked for Detach too: both patch the kernel's text.
  absl::Status Attach(const std::string& program);
  absl::Status Detach(const std::string& program);
  // Attaches one that is kept detached for as long as what is given back lives, which the object outlives; with a descriptor to that perf
  // event, which it takes whatever comes of it. The gate is for the caller to ask.
  absl::StatusOr<std::shared_ptr<void>> Link(const std::string& program, int event_fd = -1);

  std::vector<Program> Programs() const;
  bpf_program* FindProgram(const std::string& name) const;
  // Kernel memory of all its maps, as /proc/self/fdinfo accounts it.
  int64_t MapBytes() const;

 private:
  BpfObject(std::string name, bpf_object* object, std::string btf_path, const QuietGate* gate);
  absl::Status Admit(const std::string& what) const;
  absl::Status Explain(const std::string& what, int error) const;
  void ReleaseImages();
  absl::StatusOr<Mapping> Map(bpf_map* map);
  absl::StatusOr<bpf_map*> FindMap(const std::string& map) const;
  struct Variable {
    uint32_t offset = 0;  // in its section
    bool last = false;    // there
  };
  absl::StatusOr<Variable> FindVariable(const std::string& section, const std::string& variable) const;

  std::string name_;
  bpf_object* object_;
  std::string btf_path_;  // empty: the kernel's own
  const QuietGate* gate_;
  std::vector<bpf_link*> links_;
  std::map<std::string, bpf_link*> demand_links_;  // of the programs kept detached; null while they are
  std::map<bpf_map*, Mapping> mappings_;           // each map once: all of a mapped map's memory counts as the process's
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_COLLECTORS_BPF_OBJECT_H_
