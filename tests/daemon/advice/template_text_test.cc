#include "daemon/advice/template_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/daemon/advice/rule_example.h"

namespace hftmon {
namespace {

using testing::HasSubstr;
using enum FactField;

Fact Queue(FactValues values = {}) {
  return With(
      FactOf(FactKind::kCpuSetting, {{kSetting, "rps_cpus"}, {kInterface, "eth0"}, {kQueue, 2}, {kValueCpus, CpuList{1, 2, 3, 33}}}),
      values);
}

TEST(TemplateTextTest, CommandsHaveNumbersListsAndIdentifiers) {
  EXPECT_EQ(*RenderCommand("echo {value_cpus} > /x/{interface}/rx-{queue}", Queue()), "echo 1-3,33 > /x/eth0/rx-2");
  EXPECT_EQ(*RenderCommand("{value_cpus:words}", Queue()), "1 2 3 33");
  EXPECT_EQ(*RenderCommand("taskset -p {tid} {pid}", Queue()), "taskset -p 4712 4711");
  EXPECT_EQ(*RenderCommand("plain $x", Queue()), "plain $x");
  EXPECT_EQ(*RenderCommand("", Queue()), "");
}

TEST(TemplateTextTest, MasksAreTheKernels) {
  EXPECT_EQ(*RenderCommand("{value_cpus:mask}", Queue()), "2,0000000e");
  EXPECT_EQ(*RenderCommand("{value_cpus:mask}", Queue({{kValueCpus, CpuList{31}}})), "80000000");
  EXPECT_EQ(*RenderCommand("{value_cpus:mask}", Queue({{kValueCpus, CpuList{64}}})), "1,00000000,00000000");
  EXPECT_EQ(*RenderCommand("{value_cpus:mask_or_0}", Queue({{kValueCpus, CpuList{}}})), "0");
}

TEST(TemplateTextTest, ACommandIsWithheldWithTheReason) {
  const auto refusal = [](std::string_view text, const Fact& fact) { return std::string(RenderCommand(text, fact).status().message()); };
  EXPECT_EQ(RenderCommand("{irq}", Queue()).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(refusal("{sibling_cpu}", Queue()), HasSubstr("withheld: sibling_cpu is not known"));
  EXPECT_THAT(refusal("{value_cpus:mask}", Queue({{kValueCpus, CpuList{}}})), HasSubstr("value_cpus is empty"));
  EXPECT_THAT(refusal("{value_cpus}", Queue({{kValueCpus, CpuList{}}})), HasSubstr("value_cpus is empty"));
  EXPECT_THAT(refusal("{interface}", Queue({{kInterface, "a;b"}})), HasSubstr("interface holds characters"));
  EXPECT_THAT(refusal("{comm}", Queue()), HasSubstr("comm may not stand in a command"));
}

TEST(TemplateTextTest, SentencesAreForPeople) {
  Fact fact = FactOf(FactKind::kInversion, {{kLockAddress, 0x7f00'1000}, {kSumNs, 1'500'000}, {kOwnerOffShare, 0.456}, {kInherited, 0}});
  EXPECT_EQ(RenderSentence("{lock_address} {sum_ns} {owner_off_share} {inherited} {comm} {owner_tid} {owner_comm}", fact),
            "0x7f001000 1.5ms 45.6 % 0 \"matcher\" ? (no name)");
  fact.thread->comm = "a\nb\x1b[2J\"\xff";
  EXPECT_EQ(RenderSentence("{comm}", fact), "\"a?b?[2J??\"");
  EXPECT_EQ(RenderSentence("CPU {value_cpus}", Queue({{kValueCpus, CpuList{}}})), "CPU none");
  EXPECT_EQ(RenderSentence("{interface}", Queue()), "eth0");
  EXPECT_EQ(RenderSentence("{interface}", Queue({{kInterface, "a b"}})), "\"a b\"");
  EXPECT_EQ(CleanText(std::string(300, 'x')), std::string(200, 'x') + "...");
}

TEST(TemplateTextTest, MistakesInTextsAreFound) {
  EXPECT_EQ(PlaceholdersOf("a {irq} b {cpus:mask}")->size(), 2u);
  EXPECT_THAT(std::string(PlaceholdersOf("{irq").status().message()), HasSubstr("a brace without its other"));
  EXPECT_FALSE(PlaceholdersOf("irq}").ok());
  EXPECT_FALSE(PlaceholdersOf("{{irq}}").ok());
  EXPECT_THAT(std::string(PlaceholdersOf("{no_such}").status().message()), HasSubstr("{no_such}: there is no field"));
  EXPECT_THAT(std::string(PlaceholdersOf("{irq:mask}").status().message()), HasSubstr("no format of this field"));
  EXPECT_FALSE(PlaceholdersOf("{cpus:octal}").ok());
}

}  // namespace
}  // namespace hftmon
