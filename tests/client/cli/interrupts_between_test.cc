// The difference of two answers about interrupts.
#include "client/cli/interrupts_between.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "client/cli/render/interrupts.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::QueryInterruptsResponse Answer(const std::string& text) {
  v1::QueryInterruptsResponse answer;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &answer));
  return answer;
}

v1::QueryInterruptsResponse First() {
  return Answer(R"(
    time { monotonic_ns: 10000000000 }
    threads { thread { tid: 12 pid: 10 start_boottime_ns: 7 comm: "matcher" } count: 4294967295 self_ns: 900 stretch_max_ns: 70
      sources { kind: "hard_irq" name: "local_timer" count: 4294967295 self_ns: 900 } }
    threads { thread { tid: 13 pid: 10 start_boottime_ns: 8 } }
    cpus { cpu: 1 sources { kind: "softirq" name: "NET_RX" count: 5 self_ns: 500 }
      sources { kind: "softirq" name: "RCU" count: 2 self_ns: 90 }
      devices { irq: 36 name: "eth0-rx" count: 5 unhandled_count: 2 self_ns: 400 } steal_ns: 1000 steal_monotonic_ns: 9000000000 unpaired_count: 1 }
    cpus { cpu: 2 sources { kind: "nmi" name: "nmi" count: 9 self_ns: 9 } })");
}

v1::QueryInterruptsResponse Second() {
  return Answer(R"(
    time { monotonic_ns: 12000000000 }
    threads { thread { tid: 12 pid: 10 start_boottime_ns: 7 comm: "matcher" } count: 4 self_ns: 20000900 stretch_max_ns: 70
      sources { kind: "hard_irq" name: "local_timer" count: 3 self_ns: 20000900 } }
    threads { thread { tid: 13 pid: 10 start_boottime_ns: 99 comm: "new" } count: 1 self_ns: 5
      sources { kind: "hard_irq" name: "reschedule" count: 1 self_ns: 5 } }
    cpus { cpu: 1 sources { kind: "softirq" name: "NET_RX" count: 15 self_ns: 1500 }
      sources { kind: "softirq" name: "RCU" count: 2 self_ns: 90 }
      devices { irq: 36 name: "eth0-rx" count: 15 unhandled_count: 3 self_ns: 1400 } steal_ns: 1000000 steal_monotonic_ns: 9500000000 unpaired_count: 1 }
    cpus { cpu: 3 sources { kind: "nmi" name: "nmi" count: 1 self_ns: 1 } steal_ns: 77 steal_monotonic_ns: 1 }
    cpus { cpu: 2 sources { kind: "nmi" name: "nmi" count: 1 self_ns: 1 } })");
}

TEST(InterruptsBetweenTest, CountsAndSumsAreDifferencesAndThoseOfThreadsAreModulo) {
  const InterruptsSpan span = InterruptsBetween(First(), Second());
  EXPECT_EQ(span.duration_ns, 2'000'000'000);
  ASSERT_EQ(span.between.threads_size(), 2);
  const v1::ThreadInterrupts& matcher = span.between.threads(0);
  EXPECT_EQ(matcher.count(), 4u);
  EXPECT_EQ(matcher.self_ns(), 20'000'000);
  EXPECT_EQ(matcher.sources(0).count(), 4u);
  const v1::CpuInterrupts& cpu = span.between.cpus(0);
  ASSERT_EQ(cpu.sources_size(), 1) << "RCU had none";
  EXPECT_EQ(cpu.sources(0).count(), 10u);
  EXPECT_EQ(cpu.devices(0).unhandled_count(), 1u);
  EXPECT_EQ(cpu.devices(0).self_ns(), 1'000);
  EXPECT_EQ(cpu.steal_ns(), 999'000);
  EXPECT_EQ(span.steal_over_ns, (std::map<int32_t, int64_t>{{1, 500'000'000}})) << "from tick to tick";
  EXPECT_EQ(cpu.unpaired_count(), 0u);
}

TEST(InterruptsBetweenTest, ATidThatChangedHandsIsANewThreadAndTheFormerOneIsCounted) {
  const InterruptsSpan span = InterruptsBetween(First(), Second());
  EXPECT_EQ(span.between.threads(1).thread().comm(), "new");
  EXPECT_EQ(span.between.threads(1).count(), 1u);
  EXPECT_EQ(span.lost_thread_count, 1u);
}

TEST(InterruptsBetweenTest, ACpuWhoseFiguresBeganAnewIsLeftOutAndCounted) {
  const InterruptsSpan span = InterruptsBetween(First(), Second());
  EXPECT_EQ(span.between.cpus_size(), 2);
  EXPECT_EQ(span.lost_cpu_count, 1u);
}

TEST(InterruptsBetweenTest, ACpuThatHadNoInterruptBeforeHasNoStealSinceBoot) {
  const InterruptsSpan span = InterruptsBetween(First(), Second());
  EXPECT_EQ(span.between.cpus(1).cpu(), 3);
  EXPECT_EQ(span.between.cpus(1).sources_size(), 1);
  EXPECT_FALSE(span.between.cpus(1).has_steal_ns());
}

TEST(InterruptsBetweenTest, AThreadThatWasDetachedAndAttachedAgainBeginsAnew) {
  v1::QueryInterruptsResponse second = Second();
  second.mutable_threads(0)->mutable_sources(0)->set_self_ns(7);
  second.mutable_threads(0)->set_self_ns(7);
  const InterruptsSpan span = InterruptsBetween(First(), second);
  EXPECT_EQ(span.between.threads(0).self_ns(), 7);
  EXPECT_EQ(span.between.threads(0).sources(0).count(), 3u);
  EXPECT_EQ(span.lost_thread_count, 2u);
}

TEST(InterruptsBetweenTest, SoDoesOneWhoseNewFiguresHaveOutgrownTheOldOnes) {
  const InterruptsSpan span = InterruptsBetween(First(), Second(), {10});
  EXPECT_EQ(span.between.threads(0).self_ns(), 20'000'900);
  EXPECT_EQ(span.lost_thread_count, 2u);
}

TEST(InterruptsBetweenTest, TextHasRatesAndSharesInPlaceOfTheLongestStretch) {
  const std::string text = InterruptsText(InterruptsBetween(First(), Second()));
  EXPECT_THAT(text, HasSubstr("in 2s\n"));
  EXPECT_THAT(text, HasSubstr("matcher   10   12  all          -             4  20ms   5ms         2.0      1.000 %\n"));
  EXPECT_THAT(text, Not(HasSubstr("longest stretch")));
  const Json json = InterruptsJson(InterruptsBetween(First(), Second()));
  EXPECT_EQ(json["duration_ns"], 2'000'000'000);
  EXPECT_EQ(json["lost_thread_count"], 1);
  EXPECT_FALSE(json["threads"][0].contains("stretch_max_ns"));
}

}  // namespace
}  // namespace hftmon
