#include "daemon/collectors/bpf_immediates.h"

#include <fmt/format.h>
#include <linux/bpf.h>

#include <cstring>

namespace hftmon {
namespace {

bool CanHold(const bpf_insn& instruction) {
  const bool moves = instruction.code == (BPF_ALU64 | BPF_MOV | BPF_K) && instruction.off == 0;
  return moves || instruction.code == (BPF_JMP | BPF_JLT | BPF_K);
}

}  // namespace

absl::Status SetImmediates(std::span<std::byte> image, const BpfImmediates& immediates) {
  std::map<uint32_t, int> found;
  for (size_t at = 0; at + sizeof(bpf_insn) <= image.size(); at += sizeof(bpf_insn)) {
    bpf_insn instruction;
    std::memcpy(&instruction, &image[at], sizeof(instruction));
    const auto known = immediates.find(static_cast<uint32_t>(instruction.imm));
    if (known == immediates.end()) continue;
    if (!CanHold(instruction)) {
      return absl::InternalError(fmt::format("immediate {:#x} stands in an instruction of code {:#x}, which cannot take a number",
                                             known->first, instruction.code));
    }
    instruction.imm = static_cast<int32_t>(known->second);
    std::memcpy(&image[at], &instruction, sizeof(instruction));
    ++found[known->first];
  }
  for (const auto& [marker, value] : immediates) {
    if (found[marker] == 0) return absl::InternalError(fmt::format("immediate {:#x} is in no instruction", marker));
  }
  return absl::OkStatus();
}

}  // namespace hftmon
