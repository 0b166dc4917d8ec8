#include "daemon/collectors/bpf_immediates.h"

#include <fmt/format.h>
#include <linux/bpf.h>

#include <cstring>

namespace hftmon {
namespace {

bool CanHold(const bpf_insn& instruction, BpfImmediate::Kind kind) {
  switch (kind) {
    case BpfImmediate::Kind::kNumber:
      return (instruction.code == (BPF_ALU64 | BPF_MOV | BPF_K) && instruction.off == 0) || instruction.code == (BPF_JMP | BPF_JLT | BPF_K);
    case BpfImmediate::Kind::kFunction:
      return instruction.code == (BPF_JMP | BPF_CALL) && instruction.src_reg == 0;
    case BpfImmediate::Kind::kVariable:
      return instruction.code == (BPF_LD | BPF_DW | BPF_IMM) && instruction.src_reg == 0;
  }
  return false;
}

void Put(const BpfImmediate& immediate, bpf_insn* instruction) {
  instruction->imm = static_cast<int32_t>(immediate.value);
  if (immediate.kind == BpfImmediate::Kind::kFunction) {
    if (immediate.value != 0) {
      instruction->src_reg = BPF_PSEUDO_KFUNC_CALL;
    } else {
      *instruction = {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .src_reg = 0, .off = 0, .imm = 0};
    }
  }
  // The upper half, in the instruction that follows, is the descriptor of the types it is of: 0, the kernel's own.
  if (immediate.kind == BpfImmediate::Kind::kVariable && immediate.value != 0) instruction->src_reg = BPF_PSEUDO_BTF_ID;
}

}  // namespace

absl::Status SetImmediates(std::span<std::byte> image, const BpfImmediates& immediates) {
  std::map<uint32_t, int> found;
  for (size_t at = 0; at + sizeof(bpf_insn) <= image.size(); at += sizeof(bpf_insn)) {
    bpf_insn instruction;
    std::memcpy(&instruction, &image[at], sizeof(instruction));
    const auto known = immediates.find(static_cast<uint32_t>(instruction.imm));
    if (known == immediates.end()) continue;
    if (!CanHold(instruction, known->second.kind)) {
      return absl::InternalError(fmt::format("immediate {:#x} stands in an instruction of code {:#x}, which cannot take what it stands for",
                                             known->first, instruction.code));
    }
    Put(known->second, &instruction);
    std::memcpy(&image[at], &instruction, sizeof(instruction));
    ++found[known->first];
  }
  for (const auto& [marker, immediate] : immediates) {
    if (found[marker] == 0) return absl::InternalError(fmt::format("immediate {:#x} is in no instruction", marker));
  }
  return absl::OkStatus();
}

}  // namespace hftmon
