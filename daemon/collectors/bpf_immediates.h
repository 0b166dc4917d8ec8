// SetImmediates: puts numbers, and the kernel's own functions and variables, in the place of the markers of daemon/bpf/immediates.h in a
// compiled object. Pure function, any thread.
#ifndef HFTMON_DAEMON_COLLECTORS_BPF_IMMEDIATES_H_
#define HFTMON_DAEMON_COLLECTORS_BPF_IMMEDIATES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>

#include "absl/status/status.h"

namespace hftmon {

struct BpfImmediate {
  enum class Kind {
    kNumber,    // below 2^31
    kFunction,  // of the kernel: its id among the kernel's types (BTF); 0: it has none, and a call of it gives 0
    kVariable,  // of the kernel, likewise; 0: its address is 0
  };
  uint32_t value = 0;
  Kind kind = Kind::kNumber;
};

using BpfImmediates = std::map<uint32_t, BpfImmediate>;  // by marker

// `image` is the ELF file's bytes: its code sections are aligned to instructions. INTERNAL when a marker is not there, or stands in an
// instruction that cannot take what it stands for: a number `rN = marker` or `if rN < marker` of 64 bits, a function `call marker`, a
// variable `rN = marker ll`.
absl::Status SetImmediates(std::span<std::byte> image, const BpfImmediates& immediates);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_COLLECTORS_BPF_IMMEDIATES_H_
