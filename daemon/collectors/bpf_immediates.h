// SetImmediates: puts numbers in the place of the markers of daemon/bpf/immediates.h in a compiled object. Pure function, any thread.
#ifndef HFTMON_DAEMON_COLLECTORS_BPF_IMMEDIATES_H_
#define HFTMON_DAEMON_COLLECTORS_BPF_IMMEDIATES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>

#include "absl/status/status.h"

namespace hftmon {

using BpfImmediates = std::map<uint32_t, uint32_t>;  // marker, number below 2^31

// `image` is the ELF file's bytes: its code sections are aligned to instructions. INTERNAL when a marker is not there, or stands in an
// instruction that is neither `rN = marker` nor `if rN < marker` of 64 bits.
absl::Status SetImmediates(std::span<std::byte> image, const BpfImmediates& immediates);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_COLLECTORS_BPF_IMMEDIATES_H_
