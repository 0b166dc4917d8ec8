#include "daemon/advice/fact_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <string>

#include "tests/daemon/advice/rule_example.h"

namespace hftmon {
namespace {

using testing::HasSubstr;
using enum FactField;

Fact Irq(FactValues values = {}) {
  return With(FactOf(FactKind::kIrqOnCpu, {{kIrq, 25}, {kCpus, CpuList{2}}, {kCount, 3}}), values);
}

std::string Refused(const Fact& fact) {
  return std::string(CheckFact(fact).message());
}

TEST(FactSchemaTest, RowsStandInTheOrderOfTheirNumbers) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < kFactFields; ++i) {
    const FactFieldRow& row = FactFieldRows()[i];
    EXPECT_EQ(static_cast<size_t>(row.field), i) << row.name;
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(FindFactField(row.name), &row);
    EXPECT_FALSE(row.help.empty()) << row.name;
  }
  for (size_t i = 0; i < kFactKinds; ++i) {
    EXPECT_EQ(static_cast<size_t>(FactKindRows()[i].kind), i) << FactKindRows()[i].name;
    for (const FactSchemaRow& row : FactKindRows()[i].fields) EXPECT_FALSE(row.source.empty()) << FactKindRows()[i].name;
  }
  EXPECT_EQ(FindFactField("no_such"), nullptr);
}

// Values of one group become one by this: a list is united, a text cannot be added up.
TEST(FactSchemaTest, MergesFitTheTypes) {
  for (const FactFieldRow& row : FactFieldRows()) {
    if (row.merge == FieldMerge::kUnite) {
      EXPECT_EQ(row.type, FieldType::kCpuList) << row.name;
    }
    if (row.merge == FieldMerge::kSum) {
      EXPECT_TRUE(row.type == FieldType::kNumber || row.type == FieldType::kDuration) << row.name;
    }
  }
}

TEST(FactSchemaTest, EveryFieldIsOfAKind) {
  for (const FactFieldRow& row : FactFieldRows()) {
    bool found = false;
    for (const FactKindRow& kind : FactKindRows()) found |= HasField(kind.kind, row.field);
    EXPECT_TRUE(found) << row.name;
  }
}

TEST(FactSchemaTest, AFactThatKeepsItIsTaken) {
  EXPECT_TRUE(CheckFact(Irq()).ok());
  EXPECT_TRUE(CheckFact(Irq({{kHandler, "\xff\n"}, {kOldAffinity, CpuList{}}})).ok());
}

TEST(FactSchemaTest, WhatBreaksItIsNamed) {
  EXPECT_THAT(Refused(Without(Irq(), kIrq)), HasSubstr("irq_on_cpu: irq is required"));
  EXPECT_THAT(Refused(Irq({{kSoftirq, "RCU"}})), HasSubstr("softirq is no field of this kind"));
  EXPECT_THAT(Refused(Irq({{kIrq, "25"}})), HasSubstr("irq is no integer"));
  EXPECT_THAT(Refused(Irq({{kCount, -1}})), HasSubstr("count is negative"));
  EXPECT_THAT(Refused(Irq({{kCpus, CpuList{3, 2}}})), HasSubstr("cpus is not ascending"));
  EXPECT_THAT(Refused(Irq({{kCpus, CpuList{8'192}}})), HasSubstr("a CPU that cannot be"));
  EXPECT_THAT(Refused(Irq({{kHandler, std::string(4'097, 'x')}})), HasSubstr("more than 4096 bytes"));
  EXPECT_THAT(Refused(FactOf(FactKind::kCpuVisitor, {{kActorTid, 0}, {kActorKind, "user"}, {kCpus, CpuList{1}}, {kCount, 1}})),
              HasSubstr("actor_tid is no task's number"));
  EXPECT_THAT(Refused(FactOf(FactKind::kCounterRate, {{kCount, 1}, {kL3HitRatio, 1.5}})), HasSubstr("l3_hit_ratio is not within 0 to 1"));
  EXPECT_THAT(Refused(FactOf(FactKind::kCounterRate, {{kCount, 1}, {kInstructionsPerCycle, std::numeric_limits<double>::quiet_NaN()}})),
              HasSubstr("is not finite"));
}

TEST(FactSchemaTest, ThreadsAndTimesAreChecked) {
  Fact fact = FactOf(FactKind::kMigrations, {{kCount, 1}, {kBound, 0}, {kOldAffinity, CpuList{0, 1}}});
  EXPECT_TRUE(CheckFact(fact).ok());
  EXPECT_THAT(Refused(With(fact, {{kTid, 3}})), HasSubstr("tid is told by the fact's thread"));
  fact.thread->tid = 0;
  EXPECT_THAT(Refused(fact), HasSubstr("tid is no task's number"));
  fact.thread.reset();
  EXPECT_THAT(Refused(fact), HasSubstr("names no thread"));
  Fact late = Irq();
  late.evidence.end_mono_ns = late.evidence.begin_mono_ns - 1;
  EXPECT_THAT(Refused(late), HasSubstr("ends before it begins"));
  Fact many = Irq();
  many.evidence.spike_ids.assign(17, 1);
  EXPECT_THAT(Refused(many), HasSubstr("more than 16 spike ids"));
  Fact none;
  none.kind = static_cast<FactKind>(200);
  EXPECT_THAT(Refused(none), HasSubstr("of no kind"));
}

TEST(FactSchemaTest, IdentifiersAreOneWordToAShell) {
  for (const std::string_view good : {"eth0", "NET_RX", "nvme0n1", "enp1s0f0:1", "bond0.100", "a-b", "refined-jiffies"})
    EXPECT_TRUE(IsIdentifier(good)) << good;
  for (const std::string_view bad :
       {"", "-rf", ".", "..", ".hidden", "a b", "a/b", "a;b", "$x", "`", "a\n", "e\xc3\xa9", "a*", "~", "a=b", "a\\b"}) {
    EXPECT_FALSE(IsIdentifier(bad)) << bad;
  }
  EXPECT_TRUE(IsIdentifier(std::string(32, 'a')));
  EXPECT_FALSE(IsIdentifier(std::string(33, 'a')));
  EXPECT_FALSE(IsIdentifier(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace hftmon
