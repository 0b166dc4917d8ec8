#include "client/cli/import/trace_threads.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

PerfSampleId At(uint32_t cpu, int64_t time_ns, uint32_t pid = 1, uint32_t tid = 1) {
  PerfSampleId id;
  id.cpu = cpu;
  id.time_ns = time_ns;
  id.pid = pid;
  id.tid = tid;
  return id;
}

SpeSample Sample(int64_t time_ns) {
  SpeSample sample;
  sample.cpu = 3;
  sample.time_ns = time_ns;
  sample.own_time = true;
  return sample;
}

SpeSample Context(std::optional<uint32_t> el1, std::optional<uint32_t> el2, int64_t time_ns = 100) {
  SpeSample sample = Sample(time_ns);
  sample.record.context_el1 = el1;
  sample.record.context_el2 = el2;
  return sample;
}

using Found = std::optional<TraceThread>;

TEST(TraceThreadsTest, TheRecordsOwnContextComesFirst) {
  TraceThreads threads;
  threads.OnComm({.pid = 10, .tid = 11});
  threads.OnFork({.pid = 20, .tid = 21});
  threads.OnSwitch({.sample_id = At(3, 0, 20, 21)});
  threads.Sort();
  EXPECT_EQ(threads.Of(Context(11, {})), Found({.pid = 10, .tid = 11}));
  EXPECT_EQ(threads.Of(Context({}, 21)), Found({.pid = 20, .tid = 21}));
  EXPECT_EQ(threads.Of(Context(0, 21)), Found({.pid = 20, .tid = 21}));
  EXPECT_EQ(threads.Of(Context(99, 21)), Found({.pid = 20, .tid = 21})) << "EL1's is a guest's where EL2 has one";
  EXPECT_EQ(threads.Of(Context(11, 0)), Found({.pid = 10, .tid = 11}));
  EXPECT_EQ(threads.Of(Context(0, 0)), Found(TraceThread())) << "idle";
  EXPECT_EQ(threads.Of(Context(77, {})), std::nullopt) << "of which process is not recorded, and whose CPU it was does not matter";
}

TEST(TraceThreadsTest, ANumberTakenAgainIsWhoseItWasThen) {
  TraceThreads threads;
  threads.OnFork({.pid = 60, .tid = 5, .time_ns = 300});
  threads.OnFork({.pid = 50, .tid = 5, .time_ns = 50});
  threads.Sort();
  EXPECT_EQ(threads.Of(Context(5, {}, 20)), Found({.pid = 50, .tid = 5})) << "its birth may be recorded too late";
  EXPECT_EQ(threads.Of(Context(5, {}, 299)), Found({.pid = 50, .tid = 5}));
  EXPECT_EQ(threads.Of(Context(5, {}, 300)), Found({.pid = 60, .tid = 5}));
}

TEST(TraceThreadsTest, WithoutAContextItIsWhoHadTheCpu) {
  TraceThreads threads;
  threads.OnSwitch({.sample_id = At(3, 200, 1, 2), .out = true, .other_pid = 7, .other_tid = 8});
  threads.OnSwitch({.sample_id = At(3, 100, 1, 2)});
  threads.OnSwitch({.sample_id = At(4, 150, 9, 9)});
  threads.OnSwitch({.sample_id = At(3, 300, 7, 8), .out = true});
  threads.OnItraceStart({.sample_id = At(3, 400), .pid = 30, .tid = 31});
  threads.Sort();
  EXPECT_EQ(threads.Of(Sample(99)), std::nullopt);
  EXPECT_EQ(threads.Of(Sample(100)), Found({.pid = 1, .tid = 2}));
  EXPECT_EQ(threads.Of(Sample(250)), Found({.pid = 7, .tid = 8}));
  EXPECT_EQ(threads.Of(Sample(350)), std::nullopt) << "who came is not told";
  EXPECT_EQ(threads.Of(Sample(400)), Found({.pid = 30, .tid = 31}));
  SpeSample vague = Sample(250);
  vague.own_time = false;
  EXPECT_EQ(threads.Of(vague), std::nullopt) << "a time of handing over says nothing of who ran";
}

}  // namespace
}  // namespace hftmon
