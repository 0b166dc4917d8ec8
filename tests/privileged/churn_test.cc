// Two processes of thousands of threads that come and go: every switch is counted, nothing grows, nothing is lost without being counted.
// HFTMON_TEST_CHURN_THREADS (each process, default 500) and HFTMON_TEST_CHURN_SECONDS (default 3) choose the size; 5000 and 60 are the
// figures that the README states.
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/privileged/harness/shown_switches.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;

struct Counts {
  int64_t voluntary = 0;
  int64_t involuntary = 0;
};

Counts OfLiving(pid_t pid) {
  Counts counts;
  for (const workload::ThreadCounts& thread : workload::ReadProcessCounts(pid)) {
    counts.voluntary += static_cast<int64_t>(thread.voluntary_count);
    counts.involuntary += static_cast<int64_t>(thread.involuntary_count);
  }
  return counts;
}

class ChurnTest : public PrivilegedTest {
 protected:
  // Sums of what WatchMetrics tells, by pid. A history of bounded memory does not hold every thread of a minute; the stream passes them on.
  class Meter {
   public:
    Meter(const Client& client, const std::vector<pid_t>& pids) {
      v1::WatchMetricsRequest request;
      for (const pid_t pid : pids) request.add_pids(pid);
      request.add_metrics("context_switches_voluntary_count");
      request.add_metrics("context_switches_involuntary_count");
      request.set_period_ns(500'000'000);
      stream_ = client.WatchMetrics(request);
      reader_ = std::thread([this] {
        v1::WatchMetricsResponse snapshot;
        while (stream_->Read(&snapshot)) {
          std::lock_guard lock(mutex_);
          for (const v1::MetricSample& sample : snapshot.samples()) {
            Counts& counts = counts_[sample.pid()];
            (sample.metric() == "context_switches_voluntary_count" ? counts.voluntary : counts.involuntary) +=
                static_cast<int64_t>(sample.value());
          }
          dropped_ = snapshot.dropped();
          ++snapshot_count_;
        }
      });
    }
    ~Meter() {
      stream_->Cancel();
      reader_.join();
    }
    Counts Of(pid_t pid) {
      std::lock_guard lock(mutex_);
      return counts_[pid];
    }
    // The call returns before the daemon has it: the first snapshot says that it counts.
    bool counts() {
      std::lock_guard lock(mutex_);
      return snapshot_count_ > 0;
    }
    // Snapshots that this process was too slow for: what they held is in no sum.
    uint64_t dropped() {
      std::lock_guard lock(mutex_);
      return dropped_;
    }

   private:
    std::unique_ptr<MetricStream> stream_;
    std::thread reader_;
    std::mutex mutex_;
    std::map<pid_t, Counts> counts_;
    uint64_t dropped_ = 0;
    uint64_t snapshot_count_ = 0;
  };

  // The daemon's resident memory, at equal distances of time until the trace ends.
  class MemoryTrace {
   public:
    MemoryTrace(pid_t pid, std::chrono::milliseconds interval)
        : sampler_([this, pid, interval] {
            std::unique_lock lock(mutex_);
            do {
              rss_bytes_.push_back(ReadBelongings(pid).rss_bytes);
            } while (!ended_.wait_for(lock, interval, [this] { return stop_; }));
          }) {}
    ~MemoryTrace() { End(); }
    std::vector<int64_t> End() {
      {
        std::lock_guard lock(mutex_);
        stop_ = true;
      }
      ended_.notify_all();
      if (sampler_.joinable()) sampler_.join();
      return rss_bytes_;
    }

   private:
    std::mutex mutex_;
    std::condition_variable ended_;
    bool stop_ = false;
    std::vector<int64_t> rss_bytes_;
    std::thread sampler_;
  };

  std::map<std::string, uint64_t> Drops() const {
    std::map<std::string, uint64_t> drops;
    const auto status = daemon_.client().GetStatus();
    EXPECT_TRUE(status.ok()) << status.status();
    if (!status.ok()) return drops;
    for (const v1::DropCounter& drop : status->drops()) drops[drop.name()] = drop.count();
    return drops;
  }
};

TEST_F(ChurnTest, TwoProcessesWhoseThreadsComeAndGoAreCountedWholeInFlatMemory) {
  const int64_t threads = SizeFromEnvironment("HFTMON_TEST_CHURN_THREADS", 500);
  const int64_t seconds = SizeFromEnvironment("HFTMON_TEST_CHURN_SECONDS", 3);
  const std::vector<std::string> arguments = {"--threads", std::to_string(threads), "--milliseconds", std::to_string(seconds * 1'000)};
  const ShownSwitches witness;
  WorkloadRun first("thread_churn", arguments);
  WorkloadRun second("thread_churn", arguments);
  WorkloadRun* const runs[] = {&first, &second};
  std::map<pid_t, Counts> before;
  for (WorkloadRun* run : runs) {
    ASSERT_TRUE(run->about().is_object());
    ASSERT_TRUE(WaitUntilBlocked(run->pid()));
    before[run->pid()] = OfLiving(run->pid());
    ASSERT_TRUE(daemon_.Attach(run->pid()).ok());
  }
  Meter meter(daemon_.client(), {first.pid(), second.pid()});
  ASSERT_TRUE(Eventually([&] { return meter.counts(); }));
  for (WorkloadRun* run : runs) run->Say("go");
  // Memory from the moment at which the threads of both are there: it must not grow with those that come and go.
  const auto watched = [&](pid_t pid) {
    const auto target = daemon_.FindTarget(pid);
    return target ? target->thread_count() : 0;
  };
  for (WorkloadRun* run : runs) {
    EXPECT_TRUE(Eventually([&] { return watched(run->pid()) >= threads * 9 / 10; })) << watched(run->pid()) << " threads are watched";
  }
  const ProcessBelongings filled = ReadBelongings(daemon_.pid());
  MemoryTrace memory(daemon_.pid(), std::chrono::milliseconds(seconds * 100));
  std::map<pid_t, json> truths;
  for (WorkloadRun* run : runs) {
    truths[run->pid()] = run->Read();
    ASSERT_TRUE(truths[run->pid()].is_object());
  }
  const std::vector<int64_t> trace_bytes = memory.End();
  const ProcessBelongings after = ReadBelongings(daemon_.pid());
  for (WorkloadRun* run : runs) {
    const json& truth = truths[run->pid()];
    SCOPED_TRACE(truth.dump());
    ASSERT_TRUE(WaitUntilBlocked(run->pid()));
    const Counts alive = OfLiving(run->pid());
    const Counts& old = before[run->pid()];
    const int64_t ended = truth["ended"];
    EXPECT_GT(ended, 0);
    // Nobody counts what no program was shown: the last switches of threads that made room for what the host hides.
    const SwitchSums shown = witness.Of(run->pid());
    const int64_t voluntary = shown.voluntary - old.voluntary;
    const int64_t involuntary = shown.involuntary - old.involuntary;
    const int64_t hidden = alive.voluntary + truth["ended_voluntary"].get<int64_t>() + ended - shown.voluntary;
    EXPECT_GE(hidden, 0);
    EXPECT_LE(hidden, shown.voluntary / 20) << "a witness that sees too little is none";
    EXPECT_GE(involuntary, alive.involuntary - old.involuntary + truth["ended_involuntary"].get<int64_t>() - hidden);
    Eventually([&] {
      const Counts counted = meter.Of(run->pid());
      return (counted.voluntary >= voluntary && counted.involuntary >= involuntary) || meter.dropped() > 0;
    });
    if (meter.dropped() > 0) GTEST_SKIP() << meter.dropped() << " snapshots were dropped: this test was too slow a reader on a busy host";
    const Counts counted = meter.Of(run->pid());
    EXPECT_EQ(counted.voluntary, voluntary);
    EXPECT_EQ(counted.involuntary, involuntary);
    const auto target = daemon_.FindTarget(run->pid());
    ASSERT_TRUE(target);
    EXPECT_EQ(target->thread_count(), truth["alive"].get<int64_t>() + 1) << "and the main thread";
    EXPECT_EQ(target->unslotted_thread_count(), 0u);
    std::printf("%lld began, %lld ended, %lld + %lld switches, %lld hidden\n", static_cast<long long>(truth["begun"].get<int64_t>()),
                static_cast<long long>(ended), static_cast<long long>(voluntary), static_cast<long long>(involuntary),
                static_cast<long long>(hidden));
  }
  std::printf("resident with the threads there, at each tenth of the time, and at the end, in KiB: %lld |",
              static_cast<long long>(filled.rss_bytes >> 10));
  for (const int64_t bytes : trace_bytes) std::printf(" %lld", static_cast<long long>(bytes >> 10));
  std::printf(" | %lld\n", static_cast<long long>(after.rss_bytes >> 10));
  EXPECT_LE(after.fds, filled.fds + 2);
  // Buckets of history are still being filled in a short run; what a thread that ended would leave behind is far more than this in a long
  // one.
  EXPECT_LT(after.rss_bytes - filled.rss_bytes, 24 << 20);
  EXPECT_LT(after.rss_bytes - trace_bytes[trace_bytes.size() / 2], 12 << 20) << "in the second half";
  // No thread was without a place and no figure without a bucket. Records and intervals that a busy host made the daemon miss are counted:
  // printed here, and no part of the counts above.
  for (const auto& [name, count] : Drops()) {
    if (count > 0) std::printf("%s: %llu\n", name.c_str(), static_cast<unsigned long long>(count));
  }
  const std::map<std::string, uint64_t> drops = Drops();
  for (const char* name : {"unslotted_switches", "life_queue_dropped", "window_store_dropped", "slots_exhausted"}) {
    ASSERT_TRUE(drops.contains(name)) << name;
    EXPECT_EQ(drops.at(name), 0u) << name;
  }
  for (WorkloadRun* run : runs) EXPECT_EQ(run->End(), 0);
  // Their slots come back with their last records.
  EXPECT_TRUE(Eventually([&] { return daemon_.Used("threads") == 0; })) << daemon_.Used("threads");
}

}  // namespace
}  // namespace hftmon::testing
