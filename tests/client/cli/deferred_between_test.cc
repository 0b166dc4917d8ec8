// The difference of two answers about what was put off and what devices made interrupts of, and how both are printed.
#include "client/cli/deferred_between.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "client/cli/render/coalescing.h"
#include "client/cli/render/deferred.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

template <typename Message>
Message Parsed(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

v1::DeferredWork First() {
  return Parsed<v1::DeferredWork>(R"(
    collecting: true
    cpus { cpu: 1
      softirqs { name: "NET_RX" raise_count: 9 run_count: 5 unraised_count: 1
        delay { count: 4 sum_ns: 400 longest_ns: 200 buckets { upper_ns: 128 count: 4294967295 } buckets { upper_ns: 224 count: 1 } }
        duration { count: 5 sum_ns: 5000 longest_ns: 1900 buckets { upper_ns: 1024 count: 4 } buckets { upper_ns: 2048 count: 1 } }
        overlapped_count: 1 interrupted_count: 2 }
      softirqs { name: "RCU" raise_count: 2 run_count: 2 delay { count: 2 sum_ns: 10 } }
      handlers { irq: 36 name: "virtio1-req.0" duration { count: 8 sum_ns: 8000 longest_ns: 7100 buckets { upper_ns: 1280 count: 8 } } }
      handlers { irq: 9 name: "acpi" duration { count: 1 sum_ns: 10 longest_ns: 10 buckets { upper_ns: 128 count: 1 } } }
      handlers { name: "others" duration { count: 1 sum_ns: 10 longest_ns: 10 buckets { upper_ns: 128 count: 1 } } }
      work_delay { count: 2 sum_ns: 50 longest_ns: 40 }
      works { function: "flush_to_ldisc" begin_count: 2 delay_count: 2 delay_ns: 50 delay_longest_ns: 40 end_count: 2 duration_ns: 10 duration_longest_ns: 9 }
      works { function: "vmstat_update" begin_count: 7 end_count: 7 duration_ns: 70 }
      queued_work_count: 3 }
    threads { irq: 24 name: "acpi" tid: 70 wake_count: 3 running_count: 1 delay_count: 2 delay_ns: 90 delay_longest_ns: 80 })");
}

v1::DeferredWork Second() {
  v1::DeferredWork second = First();
  v1::CpuDeferred* cpu = second.mutable_cpus(0);
  v1::SoftirqDelay* net_rx = cpu->mutable_softirqs(0);
  net_rx->set_raise_count(29);
  net_rx->set_run_count(15);
  net_rx->mutable_delay()->set_count(14);
  net_rx->mutable_delay()->set_sum_ns(2'400);
  net_rx->mutable_delay()->mutable_buckets(0)->set_count(3);  // past 2^32
  net_rx->mutable_delay()->mutable_buckets(1)->set_count(7);
  net_rx->mutable_duration()->set_count(15);
  net_rx->mutable_duration()->set_sum_ns(15'000);
  net_rx->mutable_duration()->mutable_buckets(0)->set_count(14);
  net_rx->set_overlapped_count(4);
  net_rx->set_interrupted_count(7);
  v1::DelaySums* handler = cpu->mutable_handlers(0)->mutable_duration();
  handler->set_count(16);
  handler->set_sum_ns(17'000);
  handler->mutable_buckets(0)->set_count(16);
  cpu->mutable_work_delay()->set_count(4);
  cpu->mutable_work_delay()->set_sum_ns(150);
  v1::WorkFunction* work = cpu->mutable_works(0);
  work->set_begin_count(4);
  work->set_delay_count(4);
  work->set_delay_ns(150);
  work->set_end_count(4);
  work->set_duration_ns(2'010);
  cpu->set_queued_work_count(5);
  second.mutable_threads(0)->set_wake_count(5);
  second.mutable_threads(0)->set_delay_count(4);
  second.mutable_threads(0)->set_delay_ns(290);
  *second.add_cpus() = Parsed<v1::CpuDeferred>(R"(cpu: 2 tasklets { function: "tx" count: 2 duration_ns: 50 longest_ns: 30 })");
  return second;
}

TEST(DeferredBetweenTest, CountsAndSumsAreDifferencesAndRowsWithoutAnyAreLeftOut) {
  const v1::DeferredWork between = DeferredBetween(First(), Second());
  ASSERT_EQ(between.cpus_size(), 2);
  const v1::CpuDeferred& cpu = between.cpus(0);
  ASSERT_EQ(cpu.softirqs_size(), 1) << "RCU had none";
  const v1::SoftirqDelay& net_rx = cpu.softirqs(0);
  EXPECT_EQ(net_rx.raise_count(), 20u);
  EXPECT_EQ(net_rx.run_count(), 10u);
  EXPECT_EQ(net_rx.unraised_count(), 0u);
  EXPECT_EQ(net_rx.delay().count(), 10u);
  EXPECT_EQ(net_rx.delay().sum_ns(), 2'000);
  EXPECT_EQ(net_rx.delay().longest_ns(), 0) << "none is kept of a part of the time";
  EXPECT_EQ(net_rx.delay().buckets(0).count(), 4u) << "modulo 2^32";
  EXPECT_EQ(net_rx.delay().buckets(1).count(), 6u);
  EXPECT_EQ(net_rx.duration().count(), 10u);
  EXPECT_EQ(net_rx.duration().longest_ns(), 0);
  ASSERT_EQ(net_rx.duration().buckets_size(), 1) << "none was that long";
  EXPECT_EQ(net_rx.duration().buckets(0).count(), 10u);
  EXPECT_EQ(net_rx.overlapped_count(), 3u);
  EXPECT_EQ(net_rx.interrupted_count(), 5u);
  ASSERT_EQ(cpu.handlers_size(), 1) << "acpi and the others had none";
  EXPECT_EQ(cpu.handlers(0).irq(), 36);
  EXPECT_EQ(cpu.handlers(0).duration().count(), 8u);
  EXPECT_EQ(cpu.handlers(0).duration().sum_ns(), 9'000);
  EXPECT_EQ(cpu.handlers(0).duration().longest_ns(), 0);
  ASSERT_EQ(cpu.works_size(), 1) << "vmstat_update had none";
  EXPECT_EQ(cpu.works(0).begin_count(), 2u);
  EXPECT_EQ(cpu.works(0).duration_ns(), 2'000);
  EXPECT_EQ(cpu.works(0).delay_longest_ns(), 0);
  EXPECT_EQ(cpu.work_delay().sum_ns(), 100);
  EXPECT_EQ(cpu.queued_work_count(), 2u);
  EXPECT_EQ(between.cpus(1).tasklets(0).count(), 2u) << "a CPU that had nothing before";
  EXPECT_EQ(between.threads(0).wake_count(), 2u);
  EXPECT_EQ(between.threads(0).delay_ns(), 200);
  const v1::DeferredWork nothing = DeferredBetween(Second(), Second());
  EXPECT_EQ(nothing.cpus_size(), 0);
  EXPECT_EQ(nothing.threads_size(), 0);
}

TEST(DeferredBetweenTest, PercentilesAreUpperEdgesAndNeverAboveTheLongest) {
  v1::DelaySums delay = Parsed<v1::DelaySums>(
      "count: 100 longest_ns: 300 buckets { upper_ns: 128 count: 50 } buckets { upper_ns: 224 count: 49 } "
      "buckets { upper_ns: 320 count: 1 }");
  EXPECT_EQ(DelayPercentileNs(delay, 50), 128);
  EXPECT_EQ(DelayPercentileNs(delay, 50.1), 224);
  EXPECT_EQ(DelayPercentileNs(delay, 99), 224);
  EXPECT_EQ(DelayPercentileNs(delay, 99.9), 300);
  delay.clear_longest_ns();
  EXPECT_EQ(DelayPercentileNs(delay, 99.9), 320);
  EXPECT_EQ(DelayPercentileNs({}, 50), std::nullopt);
}

TEST(DeferredBetweenTest, DurationsHaveTheirPercentilesAndTheWorstOneOrWhatAllWereBelow) {
  const std::string text = DeferredText(Second(), 0);
  EXPECT_THAT(text, HasSubstr("worst"));
  EXPECT_THAT(text, HasSubstr("virtio1-req.0"));
  EXPECT_THAT(text, HasSubstr("7.1us")) << "the longest of the handler";
  EXPECT_THAT(text, HasSubstr("1.9us")) << "the longest of the softirq";
  EXPECT_THAT(text, HasSubstr("26.7 %")) << "4 runs of 15 began beside another CPU's";
  const v1::DeferredWork between = DeferredBetween(First(), Second());
  const std::string rates = DeferredText(between, 2'000'000'000);
  EXPECT_THAT(rates, HasSubstr("below"));
  EXPECT_THAT(rates, Not(HasSubstr("worst")));
  EXPECT_THAT(rates, HasSubstr("1.28us")) << "all were below that edge";
  EXPECT_THAT(rates, HasSubstr("4.0")) << "8 of the handler in 2 s";
  const Json json = DeferredJson(Second(), false)["cpus"][0];
  EXPECT_EQ(json["softirqs"][0]["duration"]["p99_ns"], 1'900);
  EXPECT_EQ(json["softirqs"][0]["overlapped_count"], 4);
  EXPECT_EQ(json["softirqs"][0]["interrupted_count"], 7);
  EXPECT_EQ(json["handlers"][0]["irq"], 36);
  EXPECT_EQ(json["handlers"][0]["duration"]["longest_ns"], 7'100);
  EXPECT_FALSE(json["handlers"][2].contains("irq")) << "the others have no number";
  EXPECT_FALSE(DeferredJson(between, true)["cpus"][0]["handlers"][0]["duration"].contains("longest_ns"));
}

TEST(DeferredBetweenTest, TheTablesSayWhatThereWasAndNothingWhereThereWasNone) {
  EXPECT_EQ(DeferredText({}, 0), "");
  const std::string text = DeferredText(Second(), 0);
  EXPECT_THAT(text, HasSubstr("raises per run"));
  EXPECT_THAT(text, HasSubstr("1.93")) << "29 raises made 15 runs";
  EXPECT_THAT(text, HasSubstr("flush_to_ldisc"));
  EXPECT_THAT(text, HasSubstr("tx"));
  EXPECT_THAT(text, HasSubstr("acpi"));
  EXPECT_THAT(text, Not(HasSubstr("no running target asks")));
  v1::DeferredWork ended = Second();
  ended.set_collecting(false);
  ended.add_missing("tasklets: this kernel has no tracepoint tasklet_entry");
  EXPECT_THAT(DeferredText(ended, 0), HasSubstr("no running target asks now"));
  EXPECT_THAT(DeferredText(ended, 0), HasSubstr("not told: tasklets: this kernel has no tracepoint tasklet_entry"));
  const std::string rates = DeferredText(DeferredBetween(First(), Second()), 2'000'000'000);
  EXPECT_THAT(rates, HasSubstr("per second"));
  EXPECT_THAT(rates, HasSubstr("5.0")) << "10 runs in 2 s";
  EXPECT_THAT(rates, Not(HasSubstr("longest")));
  EXPECT_FALSE(DeferredJson(Second(), true)["cpus"][0]["softirqs"][0]["delay"].contains("longest_ns"));
  EXPECT_EQ(DeferredJson(Second(), false)["cpus"][0]["works"][0]["delay_longest_ns"], 40);
}

v1::InterruptCoalescing Devices(int interrupts, int packets, int completed) {
  auto devices = Parsed<v1::InterruptCoalescing>(R"(
    interfaces { name: "eth0" lines { irq: 40 handler: "eth0-rx" } settings { rx_usecs: 50 adaptive_rx: true } tx_packets: 0 }
    interfaces { name: "eth1" lines_unavailable: "none" settings_unavailable: "the driver of eth1 reports no settings" }
    block_devices { name: "vda" lines { irq: 36 handler: "virtio1-req.0" } })");
  for (auto* device : {devices.mutable_interfaces(0)}) {
    device->set_interrupt_count(static_cast<uint64_t>(interrupts));
    device->mutable_lines(0)->set_count(static_cast<uint64_t>(interrupts));
    device->set_rx_packets(static_cast<uint64_t>(packets));
  }
  v1::BlockDeviceInterrupts* disk = devices.mutable_block_devices(0);
  disk->set_interrupt_count(static_cast<uint64_t>(interrupts));
  disk->mutable_lines(0)->set_count(static_cast<uint64_t>(interrupts));
  disk->set_completed_count(static_cast<uint64_t>(completed));
  return devices;
}

TEST(CoalescingBetweenTest, OfTheTimeBetweenThereAreRatesAndRatios) {
  const CoalescingSpan span = CoalescingBetween(Devices(100, 1'000, 300), Devices(120, 1'240, 310));
  EXPECT_EQ(span.lost_device_count, 0u);
  const Json json = CoalescingJson(span.between, 2'000'000'000);
  EXPECT_EQ(json["interfaces"][0]["interrupt_count"], 20);
  EXPECT_EQ(json["interfaces"][0]["packets_per_interrupt"], 12.0);
  EXPECT_EQ(json["interfaces"][0]["interrupts_per_second"], 10.0);
  EXPECT_EQ(json["interfaces"][0]["settings"]["rx_usecs"], 50);
  EXPECT_FALSE(json["interfaces"][1].contains("packets_per_interrupt"));
  EXPECT_EQ(json["block_devices"][0]["completions_per_interrupt"], 0.5);
  const std::string text = CoalescingText(span.between, 2'000'000'000);
  EXPECT_THAT(text, HasSubstr("12.00"));
  EXPECT_THAT(text, HasSubstr("rx 50 us, 0 frames, adaptive"));
  EXPECT_THAT(text, HasSubstr("unavailable: the driver of eth1 reports no settings"));
  EXPECT_THAT(text, HasSubstr("36 virtio1-req.0 20"));
}

TEST(CoalescingBetweenTest, ADeviceThatBeganAnewOrCameMeanwhileIsLeftOutAndCounted) {
  v1::InterruptCoalescing second = Devices(120, 900, 310);  // its packets fell
  second.add_block_devices()->set_name("vdb");
  const CoalescingSpan span = CoalescingBetween(Devices(100, 1'000, 300), second);
  EXPECT_EQ(span.lost_device_count, 2u);
  EXPECT_EQ(span.between.interfaces_size(), 1);
  EXPECT_EQ(span.between.block_devices_size(), 1);
}

TEST(CoalescingBetweenTest, SharedLinesAndNoInterruptGiveNoRatio) {
  v1::InterruptCoalescing devices = Devices(100, 1'000, 300);
  devices.mutable_interfaces(0)->set_shared(true);
  devices.mutable_block_devices(0)->set_interrupt_count(0);
  const Json json = CoalescingJson(devices, 0);
  EXPECT_FALSE(json["interfaces"][0].contains("packets_per_interrupt"));
  EXPECT_FALSE(json["interfaces"][0].contains("interrupts_per_second"));
  EXPECT_FALSE(json["block_devices"][0].contains("completions_per_interrupt"));
  EXPECT_THAT(CoalescingText(devices, 0), HasSubstr("(of other devices too)"));
  EXPECT_THAT(CoalescingText({}, 0), HasSubstr("no interface and no block device"));
}

}  // namespace
}  // namespace hftmon
