// ServiceFixture: a server over a temporary Unix socket, with fakes of the seams and the real store, filled by the test.
#ifndef HFTMON_TESTS_DAEMON_SERVICE_SERVICE_FIXTURE_H_
#define HFTMON_TESTS_DAEMON_SERVICE_SERVICE_FIXTURE_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/analysis/counter_history.h"
#include "daemon/service/sampled_lines.h"
#include "daemon/service/server.h"
#include "daemon/store/boost_history.h"
#include "google/rpc/error_details.pb.h"
#include "grpcpp/grpcpp.h"
#include "hftmon/v1/monitor.grpc.pb.h"
#include "tests/daemon/service/fake_access_sampling.h"
#include "tests/daemon/service/fake_counter_sampling.h"
#include "tests/daemon/service/fake_counter_totals.h"
#include "tests/daemon/service/fake_deferred.h"
#include "tests/daemon/service/fake_numa_looks.h"
#include "tests/daemon/service/fake_numa_measuring.h"
#include "tests/daemon/service/fake_operation.h"
#include "tests/daemon/service/fake_operation_source.h"
#include "tests/daemon/service/fake_scheduling.h"
#include "tests/daemon/service/fake_state_sampling.h"
#include "tests/daemon/service/fake_time.h"
#include "tests/daemon/service/fake_timer_returns.h"
#include "tests/daemon/service/fakes.h"

namespace hftmon {

inline constexpr int64_t kSecondNs = 1'000'000'000;
inline constexpr int64_t kNowNs = 100 * kSecondNs;
inline constexpr uint32_t kPid = 1000;
inline constexpr ThreadKey kThread{.tid = 1001, .tgid = kPid, .start_ns = 200};
inline constexpr uint64_t kSpikeRingCapacity = 1024;

class ServiceFixture : public testing::Test {
 protected:
  ServiceFixture();  // in the source file, as the end: what they make is much to compile
  ~ServiceFixture() override;
  void SetUp() override;
  void TearDown() override;

  // The call's deadline is far: only a failing test meets it.
  static std::unique_ptr<grpc::ClientContext> Context();
  static google::rpc::ErrorInfo ErrorInfoOf(const grpc::Status& status);
  static std::optional<google::rpc::BadRequest> BadRequestOf(const grpc::Status& status);

  // Store: a bucket [begin, end) in which the thread waited `wait_count` times in histogram bucket `wait_bucket`.
  void CloseBucket(int64_t begin_ns, int64_t end_ns, uint32_t wait_count = 0, uint32_t wait_bucket = 40, const ThreadKey& thread = kThread);
  Spike MakeSpike(int64_t end_ns, int64_t duration_ns, SpikeKind kind = SpikeKind::kPreempted, const ThreadKey& thread = kThread);
  void AppendSpike(int64_t end_ns, int64_t duration_ns, SpikeKind kind = SpikeKind::kPreempted, const ThreadKey& thread = kThread);

  // A subscription that is in force: its first message has been read.
  struct Subscription {
    std::unique_ptr<grpc::ClientContext> context;
    std::unique_ptr<grpc::ClientReader<v1::StreamSpikesResponse>> reader;
    v1::StreamSpikesResponse first;
    bool in_force = false;
  };
  Subscription Subscribe(const v1::StreamSpikesRequest& request) { return Subscribe(stub_.get(), request); }
  static Subscription Subscribe(v1::Monitor::Stub* stub, const v1::StreamSpikesRequest& request);
  // Over a connection that takes little ahead of its reader (64 KiB instead of megabytes): a slow reader shows soon.
  std::unique_ptr<v1::Monitor::Stub> NarrowStub() const;

  ServiceLimits limits_{.spike_streams_max = 64, .metric_streams_max = 64};  // of the server that SetUp starts
  std::filesystem::path folder_;
  FakeTargets targets_;
  FakeStatus status_;
  FakeOperation operation_;
  FakeNames names_;
  std::unique_ptr<PidNamespaces> namespaces_;  // made before SetUp, where a test wants them
  FakeTime time_;
  FakeTotals totals_;
  FakeScheduling scheduling_;
  FakeInterruptTotals interrupts_;
  FakeInterruptAffinities affinities_;
  FakeCallTotals calls_;
  FakeFaultTotals faults_;
  FakeKernelLockTotals kernel_locks_;
  FakeTimerReturns timer_returns_;
  FakeCounterTotals counters_;
  CounterHistory counter_history_;
  bool has_counters_ = true;  // before SetUp
  FakeHardwareTotals hardware_;
  FakeNetworkTotals network_;
  FakeOperationSource operations_;
  FakeStateSampling sampling_;
  FakeAccessSampling accesses_;
  FakeNumaLooks numa_looks_;
  FakeNumaMeasuring numa_measuring_;
  SampledLines sampled_lines_;
  FakeCounterSampling counter_sampling_;
  FakeDeferredTotals deferred_;
  FakeCoalescingSource coalescing_;
  std::map<uint32_t, std::string> maps_;                       // /proc/PID/maps of processes; who has none may not be looked into
  std::map<std::pair<uint32_t, int32_t>, std::string> files_;  // of threads' descriptors; others are not open
  FakeSenderStacks sender_stacks_;
  absl::StatusOr<NumaBalancing> numa_ = absl::FailedPreconditionError("this host has one node");
  WindowStore windows_{{.fine_bytes = 1u << 20, .second_bytes = 1u << 20, .minute_bytes = 1u << 20, .slot_count = 64}};
  std::vector<hft_thread_slot> slots_{64};
  ThreadStates thread_states_{slots_, &windows_};
  SeqRing<SwitchEvent> switch_events_{64};
  SpikeHistory spikes_{kSpikeRingCapacity, 16};
  BoostHistory boosts_{64};
  std::string boosts_unavailable_;                  // before SetUp
  std::map<uint32_t, ThreadStat> task_priorities_;  // of threads; there are no others
  uint64_t next_spike_id_ = 1;
  std::unique_ptr<MonitorServer> server_;
  std::unique_ptr<v1::Monitor::Stub> stub_;

  ServiceCore Core();
  std::string SocketAddress() const { return "unix:" + (folder_ / "hftmond.sock").string(); }
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_SERVICE_SERVICE_FIXTURE_H_
