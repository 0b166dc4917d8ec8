#include <gmock/gmock.h>

#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

class OperationsRpcTest : public ServiceFixture {
 protected:
  static constexpr uint32_t kPid = kThread.tgid;

  OperationsRpcTest() {
    MarkedProgram program;
    program.name = {.pid = kPid, .number = 2};
    program.since_mono_ns = kNowNs - 10 * kSecondNs;
    program.operations.resize(3);
    program.operations[1].name = "order";
    for (int64_t i = 1; i <= 1'000; ++i) program.operations[1].spans.Add(i * 1'000);
    program.operations[1].error_count = 3;
    program.operations[1].recent_count = 800;
    program.operations[2].name = "never";
    program.counts.delivered_count = 2'001;
    program.counts.overwritten_count = 4;
    program.counts.faults.Add(MarkerFault::kSequence, 2);
    program.open_count = 1;
    operations_.programs[kPid] = {program};
  }
  grpc::Status Query(const v1::QueryOperationsRequest& request = {}) {
    return stub_->QueryOperations(Context().get(), request, &response_);
  }

  v1::QueryOperationsResponse response_;
};

TEST_F(OperationsRpcTest, ATargetsOperationsHaveTheirFiguresAndThoseNeverMarkedAreLeftOut) {
  ASSERT_TRUE(Query().ok());
  EXPECT_TRUE(response_.available());
  ASSERT_EQ(response_.programs_size(), 1);
  const v1::MarkedProgram& program = response_.programs(0);
  EXPECT_EQ(program.pid(), static_cast<int32_t>(kPid));
  EXPECT_EQ(program.file_number(), 2);
  EXPECT_FALSE(program.ended());
  ASSERT_EQ(program.operations_size(), 1);
  const v1::OperationSum& order = program.operations(0);
  EXPECT_EQ(order.name(), "order");
  EXPECT_EQ(order.durations().count(), 1'000u);
  EXPECT_EQ(order.durations().sum_ns(), 500'500'000);
  EXPECT_EQ(order.durations().max_ns(), 1'000'000);
  EXPECT_EQ(order.min_ns(), 1'000);
  EXPECT_EQ(order.mean_ns(), 500'500);
  EXPECT_EQ(order.error_count(), 3u);
  EXPECT_NEAR(order.rate_hz(), 80, 1) << "of those that began since it is read";
  // p99.9 takes 10,000 operations, p99 1,000.
  ASSERT_EQ(order.durations().percentiles_size(), 4);
  EXPECT_EQ(order.durations().percentiles(3).percent(), 99);
  EXPECT_NEAR(static_cast<double>(order.durations().percentiles(3).value_ns()), 990e3, 990e3 * 0.02);
  EXPECT_FALSE(order.has_heartbeat_gaps());
  EXPECT_EQ(program.marks().read_count(), 2'001u);
  EXPECT_EQ(program.marks().dropped_count(), 4u);
  EXPECT_EQ(program.marks().refused().at("sequence"), 2u);
  EXPECT_EQ(program.marks().refused().size(), 1u);
  EXPECT_EQ(program.marks().open_count(), 1u);
}

TEST_F(OperationsRpcTest, OneThatEndedSaysWhyAndItsRateStandsStill) {
  MarkedProgram& program = operations_.programs[kPid][0];
  program.ended = true;
  program.until_mono_ns = program.since_mono_ns + 2 * kSecondNs;
  ASSERT_TRUE(Query().ok());
  ASSERT_EQ(response_.programs_size(), 1);
  EXPECT_TRUE(response_.programs(0).ended());
  EXPECT_THAT(response_.programs(0).ended_reason(), HasSubstr("it ended"));
  EXPECT_NEAR(response_.programs(0).operations(0).rate_hz(), 400, 1);
}

TEST_F(OperationsRpcTest, WhatAnEarlierProcessOfTheNumberMarkedIsNotTheTargets) {
  MarkedProgram earlier = operations_.programs[kPid][0];
  earlier.start_ticks += 1;
  operations_.programs[kPid].insert(operations_.programs[kPid].begin(), earlier);
  ASSERT_TRUE(Query().ok());
  EXPECT_EQ(response_.programs_size(), 1);
  operations_.programs[kPid].pop_back();
  ASSERT_TRUE(Query().ok());
  EXPECT_EQ(response_.programs_size(), 0) << "though it has not ended, as far as is known";
}

TEST_F(OperationsRpcTest, WhatIsAskedForIsChecked) {
  v1::QueryOperationsRequest request;
  request.add_percentiles(100);
  EXPECT_EQ(Query(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request.clear_percentiles();
  request.add_pids(4'000'000);
  EXPECT_EQ(Query(request).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(OperationsRpcTest, FilesThatCannotBeReadAndHostsThatCannotReadAnySaySo) {
  operations_.files.refusals.push_back({.name = {.pid = 9, .number = 1}, .why = absl::PermissionDeniedError("another's")});
  operations_.files.left_behind_count = 3;
  ASSERT_TRUE(Query().ok());
  ASSERT_EQ(response_.refused_size(), 1);
  EXPECT_EQ(response_.refused(0).reason(), "another's");
  EXPECT_EQ(response_.left_behind_count(), 3u);
  operations_.why_not = "no counter";
  ASSERT_TRUE(Query().ok());
  EXPECT_FALSE(response_.available());
  EXPECT_EQ(response_.reason(), "no counter");
  EXPECT_EQ(response_.programs_size(), 0);
}

TEST_F(OperationsRpcTest, WhatHitAnOperationIsToldByKindTheLargestFirst) {
  operations_.programs[kPid][0].span_file_id = 6;
  std::vector<OperationSlowness> slowness(3);
  slowness[1].threshold_ns = 80'000;
  slowness[1].spike_count = 2;
  slowness[1].untold_count = 1;
  slowness[1].uncompared_count = 4;
  slowness[1].hits[static_cast<size_t>(SpikeKind::kPreempted)] = {
      .span_count = 3, .stall_count = 5, .duration_ns = 90'000, .longest_ns = 40'000};
  slowness[1].hits[static_cast<size_t>(SpikeKind::kFault)] = {
      .span_count = 1, .stall_count = 1, .duration_ns = 95'000, .longest_ns = 95'000};
  operations_.slowness[6] = slowness;
  ASSERT_TRUE(Query().ok());
  const v1::OperationSum& order = response_.programs(0).operations(0);
  EXPECT_EQ(order.threshold_ns(), 80'000);
  EXPECT_FALSE(order.has_gap_threshold_ns()) << "it has no heartbeats";
  EXPECT_EQ(order.spike_count(), 2u);
  EXPECT_EQ(order.untold_spike_count(), 1u);
  EXPECT_EQ(order.uncompared_count(), 4u);
  ASSERT_EQ(order.hits_size(), 2);
  EXPECT_EQ(order.hits(0).kind(), "fault");
  EXPECT_EQ(order.hits(1).kind(), "preempted");
  EXPECT_EQ(order.hits(1).span_count(), 3u);
  EXPECT_EQ(order.hits(1).stall_count(), 5u);
  EXPECT_EQ(order.hits(1).longest_ns(), 40'000);
}

}  // namespace
}  // namespace hftmon
