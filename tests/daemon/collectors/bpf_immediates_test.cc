#include "daemon/collectors/bpf_immediates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <vector>

namespace hftmon {
namespace {

constexpr int32_t kMarker = 0x51071001;
constexpr int32_t kOther = 0x51071002;

bpf_insn Move(int32_t immediate) {
  return {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 1, .src_reg = 0, .off = 0, .imm = immediate};
}
bpf_insn IfLess(int32_t immediate) {
  return {.code = BPF_JMP | BPF_JLT | BPF_K, .dst_reg = 1, .src_reg = 0, .off = 1, .imm = immediate};
}
absl::Status Set(std::vector<bpf_insn>* code, const BpfImmediates& immediates) {
  return SetImmediates(std::as_writable_bytes(std::span(*code)), immediates);
}

TEST(SetImmediatesTest, EveryMoveAndComparisonOfAMarkerGetsItsNumber) {
  std::vector<bpf_insn> code = {Move(kMarker), IfLess(kOther), Move(7), IfLess(kMarker)};
  const absl::Status status = Set(&code, {{kMarker, {8'191}}, {kOther, {16'385}}});
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(code[0].imm, 8'191);
  EXPECT_EQ(code[1].imm, 16'385);
  EXPECT_EQ(code[1].off, 1);
  EXPECT_EQ(code[2].imm, 7);
  EXPECT_EQ(code[3].imm, 8'191);
}

TEST(SetImmediatesTest, AMarkerThatIsMissingIsAnError) {
  std::vector<bpf_insn> code = {Move(kMarker)};
  EXPECT_THAT(std::string(Set(&code, {{kMarker, {1}}, {kOther, {2}}}).message()), ::testing::HasSubstr("0x51071002 is in no instruction"));
}

TEST(SetImmediatesTest, AMarkerInAnyOtherInstructionIsAnErrorAndNotLeftBehind) {
  bpf_insn narrow = Move(kMarker);
  narrow.code = BPF_ALU | BPF_MOV | BPF_K;
  std::vector<bpf_insn> code = {Move(kMarker), narrow};
  EXPECT_THAT(std::string(Set(&code, {{kMarker, {1}}}).message()), ::testing::HasSubstr("cannot take what it stands for"));
}

bpf_insn Call(int32_t immediate) {
  return {.code = BPF_JMP | BPF_CALL, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = immediate};
}
bpf_insn Address(int32_t immediate) {
  return {.code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 3, .src_reg = 0, .off = 0, .imm = immediate};
}
constexpr bpf_insn kUpperHalf = {.code = 0, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0};

TEST(SetImmediatesTest, ACallOfAMarkerBecomesOneOfTheKernelsFunction) {
  std::vector<bpf_insn> code = {Call(kMarker), Call(5)};
  const absl::Status status = Set(&code, {{kMarker, {4'711, BpfImmediate::Kind::kFunction}}});
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(code[0].code, BPF_JMP | BPF_CALL);
  EXPECT_EQ(code[0].src_reg, BPF_PSEUDO_KFUNC_CALL);
  EXPECT_EQ(code[0].imm, 4'711);
  EXPECT_EQ(code[1].src_reg, 0);
  EXPECT_EQ(code[1].imm, 5);
}

TEST(SetImmediatesTest, ACallOfAFunctionThatTheKernelDoesNotHaveGivesNothing) {
  std::vector<bpf_insn> code = {Call(kMarker)};
  ASSERT_TRUE(Set(&code, {{kMarker, {0, BpfImmediate::Kind::kFunction}}}).ok());
  EXPECT_EQ(code[0].code, BPF_ALU64 | BPF_MOV | BPF_K);
  EXPECT_EQ(code[0].dst_reg, BPF_REG_0);
  EXPECT_EQ(code[0].imm, 0);
}

TEST(SetImmediatesTest, AnAddressIsThatOfTheKernelsVariableOrNone) {
  std::vector<bpf_insn> code = {Address(kMarker), kUpperHalf, Address(kOther), kUpperHalf};
  const absl::Status status = Set(&code, {{kMarker, {12, BpfImmediate::Kind::kVariable}}, {kOther, {0, BpfImmediate::Kind::kVariable}}});
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(code[0].src_reg, BPF_PSEUDO_BTF_ID);
  EXPECT_EQ(code[0].dst_reg, 3);
  EXPECT_EQ(code[0].imm, 12);
  EXPECT_EQ(code[1].imm, 0);
  EXPECT_EQ(code[2].src_reg, 0);
  EXPECT_EQ(code[2].imm, 0);
}

TEST(SetImmediatesTest, AMarkerStandsOnlyInTheInstructionsOfItsKind) {
  std::vector<bpf_insn> moved = {Move(kMarker)};
  std::vector<bpf_insn> called = {Call(kMarker)};
  std::vector<bpf_insn> addressed = {Address(kMarker), kUpperHalf};
  EXPECT_FALSE(Set(&moved, {{kMarker, {1, BpfImmediate::Kind::kFunction}}}).ok());
  EXPECT_FALSE(Set(&called, {{kMarker, {1}}}).ok());
  EXPECT_FALSE(Set(&addressed, {{kMarker, {1}}}).ok());
  EXPECT_FALSE(Set(&called, {{kMarker, {1, BpfImmediate::Kind::kVariable}}}).ok());
}

}  // namespace
}  // namespace hftmon
