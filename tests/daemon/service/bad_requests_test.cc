// Bad input, table-driven: each is INVALID_ARGUMENT, names the field, and says what is allowed.
#include <cmath>
#include <functional>
#include <limits>

#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

constexpr int64_t kDayNs = 24LL * 3600 * kSecondNs;

struct BadRequestCase {
  std::string name;
  std::string field;  // of the first violation
  std::function<grpc::Status(v1::Monitor::Stub*, grpc::ClientContext*)> call;
};

template <class Request>
using Fill = std::function<void(Request*)>;

BadRequestCase BadAttach(std::string name, std::string field, Fill<v1::AttachRequest> fill) {
  return {"Attach" + name, field, [fill](v1::Monitor::Stub* stub, grpc::ClientContext* context) {
            v1::AttachRequest request;
            fill(&request);
            v1::AttachResponse response;
            return stub->Attach(context, request, &response);
          }};
}
BadRequestCase BadDetach(std::string name, std::string field, Fill<v1::DetachRequest> fill) {
  return {"Detach" + name, field, [fill](v1::Monitor::Stub* stub, grpc::ClientContext* context) {
            v1::DetachRequest request;
            fill(&request);
            v1::DetachResponse response;
            return stub->Detach(context, request, &response);
          }};
}
BadRequestCase BadUpdate(std::string name, std::string field, Fill<v1::UpdateTargetRequest> fill) {
  return {"Update" + name, field, [fill](v1::Monitor::Stub* stub, grpc::ClientContext* context) {
            v1::UpdateTargetRequest request;
            request.set_pid(kPid);
            fill(&request);
            v1::UpdateTargetResponse response;
            return stub->UpdateTarget(context, request, &response);
          }};
}
BadRequestCase BadSwitches(std::string name, std::string field, Fill<v1::QueryContextSwitchesRequest> fill) {
  return {"Switches" + name, field, [fill](v1::Monitor::Stub* stub, grpc::ClientContext* context) {
            v1::QueryContextSwitchesRequest request;
            fill(&request);
            v1::QueryContextSwitchesResponse response;
            return stub->QueryContextSwitches(context, request, &response);
          }};
}
BadRequestCase BadSpikes(std::string name, std::string field, Fill<v1::DetectSpikesRequest> fill) {
  return {"Spikes" + name, field, [fill](v1::Monitor::Stub* stub, grpc::ClientContext* context) {
            v1::DetectSpikesRequest request;
            fill(&request);
            v1::DetectSpikesResponse response;
            return stub->DetectSpikes(context, request, &response);
          }};
}
BadRequestCase BadStream(std::string name, std::string field, Fill<v1::StreamSpikesRequest> fill) {
  return {"Stream" + name, field, [fill](v1::Monitor::Stub* stub, grpc::ClientContext* context) {
            v1::StreamSpikesRequest request;
            fill(&request);
            v1::StreamSpikesResponse response;
            auto reader = stub->StreamSpikes(context, request);
            while (reader->Read(&response)) {
            }
            return reader->Finish();
          }};
}
BadRequestCase BadWatch(std::string name, std::string field, Fill<v1::WatchMetricsRequest> fill) {
  return {"Watch" + name, field, [fill](v1::Monitor::Stub* stub, grpc::ClientContext* context) {
            v1::WatchMetricsRequest request;
            fill(&request);
            v1::WatchMetricsResponse response;
            auto reader = stub->WatchMetrics(context, request);
            while (reader->Read(&response)) {
            }
            return reader->Finish();
          }};
}

std::vector<BadRequestCase> TargetCases() {
  return {
      BadAttach("WithoutPids", "pids", [](auto*) {}),
      BadAttach("PidZero", "pids[0]", [](auto* r) { r->add_pids(0); }),
      BadAttach("PidNegative", "pids[1]", [](auto* r) { r->add_pids(7), r->add_pids(-1); }),
      BadAttach("TooManyPids", "pids",
                [](auto* r) {
                  for (int i = 1; i <= 65; ++i) r->add_pids(i);
                }),
      BadAttach("ThresholdNegative", "options.spike_threshold_ns",
                [](auto* r) { r->add_pids(7), r->mutable_options()->set_spike_threshold_ns(-1); }),
      BadAttach("ThresholdTooLow", "options.spike_threshold_ns",
                [](auto* r) { r->add_pids(7), r->mutable_options()->set_spike_threshold_ns(999); }),
      BadAttach("ThresholdAbsurd", "options.spike_threshold_ns",
                [](auto* r) { r->add_pids(7), r->mutable_options()->set_spike_threshold_ns(std::numeric_limits<int64_t>::max()); }),
      BadAttach("BlockedAbsurd", "options.blocked_threshold_ns",
                [](auto* r) { r->add_pids(7), r->mutable_options()->set_blocked_threshold_ns(3'600 * kSecondNs + 1); }),
      BadAttach("SamplingTooFast", "options.sampling_interval_ns",
                [](auto* r) { r->add_pids(7), r->mutable_options()->set_sampling_interval_ns(99'999); }),
      BadAttach("EmptyProbeGroup", "options.probe_groups", [](auto* r) { r->add_pids(7), r->mutable_options()->add_probe_groups(""); }),
      BadAttach("TooManyProbeGroups", "options.probe_groups",
                [](auto* r) {
                  r->add_pids(7);
                  for (int i = 0; i < 17; ++i) r->mutable_options()->add_probe_groups("sched");
                }),
      BadDetach("Nothing", "pids", [](auto*) {}),
      BadDetach("AllAndPids", "all", [](auto* r) { r->set_all(true), r->add_pids(7); }),
      BadUpdate("PidZero", "pid", [](auto* r) { r->set_pid(0); }),
      BadUpdate("UnknownMask", "options_mask", [](auto* r) { r->mutable_options_mask()->add_paths("numa"); }),
      BadUpdate("StateEnded", "state", [](auto* r) { r->set_state(v1::TARGET_STATE_ENDED); }),
      BadUpdate("StateUnknown", "state", [](auto* r) { r->set_state(static_cast<v1::TargetState>(77)); }),
      BadUpdate("ThresholdAbsurd", "options.spike_threshold_ns",
                [](auto* r) {
                  r->mutable_options()->set_spike_threshold_ns(61 * kSecondNs), r->mutable_options_mask()->add_paths("spike_threshold_ns");
                }),
  };
}

std::vector<BadRequestCase> QueryCases() {
  return {
      BadSwitches("WindowNegative", "window_ns", [](auto* r) { r->set_window_ns(-1); }),
      BadSwitches("WindowTooLong", "window_ns", [](auto* r) { r->set_window_ns(7 * kDayNs + 1); }),
      BadSwitches("PercentileZero", "percentiles[0]", [](auto* r) { r->add_percentiles(0); }),
      BadSwitches("PercentileHundred", "percentiles[1]", [](auto* r) { r->add_percentiles(50), r->add_percentiles(100); }),
      BadSwitches("PercentileNegative", "percentiles[0]", [](auto* r) { r->add_percentiles(-3); }),
      BadSwitches("PercentileNan", "percentiles[0]", [](auto* r) { r->add_percentiles(std::nan("")); }),
      BadSwitches("PercentileInfinite", "percentiles[0]", [](auto* r) { r->add_percentiles(std::numeric_limits<double>::infinity()); }),
      BadSwitches("TooManyPercentiles", "percentiles",
                  [](auto* r) {
                    for (int i = 1; i <= 17; ++i) r->add_percentiles(i);
                  }),
      BadSwitches("DurationNegative", "min_duration_ns", [](auto* r) { r->set_min_duration_ns(-5); }),
      BadSwitches("DurationAbsurd", "min_duration_ns", [](auto* r) { r->set_min_duration_ns(kDayNs); }),
      BadSwitches("EventsNegative", "max_events", [](auto* r) { r->set_max_events(-1); }),
      BadSwitches("TooManyEvents", "max_events", [](auto* r) { r->set_max_events(100'001); }),
      BadSwitches("TidNegative", "tids[0]", [](auto* r) { r->add_tids(-7); }),
      BadSwitches("TooManyPids", "pids",
                  [](auto* r) {
                    for (int i = 1; i <= 65'537; ++i) r->add_pids(i);
                  }),
      BadSpikes("WindowNegative", "window_ns", [](auto* r) { r->set_window_ns(-1); }),
      BadSpikes("WindowTooLong", "window_ns", [](auto* r) { r->set_window_ns(8 * kDayNs); }),
      BadSpikes("ThresholdNegative", "threshold_ns", [](auto* r) { r->set_threshold_ns(-1); }),
      BadSpikes("ThresholdAbsurd", "threshold_ns", [](auto* r) { r->set_threshold_ns(kDayNs); }),
      BadSpikes("BlockedNegative", "blocked_threshold_ns", [](auto* r) { r->set_blocked_threshold_ns(-1); }),
      BadSpikes("TooManySpikes", "max_spikes", [](auto* r) { r->set_max_spikes(100'001); }),
      BadSpikes("SpikesNegative", "max_spikes", [](auto* r) { r->set_max_spikes(-1); }),
      BadStream("ThresholdTooLow", "threshold_ns", [](auto* r) { r->set_threshold_ns(999); }),
      BadStream("ThresholdNegative", "threshold_ns", [](auto* r) { r->set_threshold_ns(-1); }),
      BadStream("BlockedTooHigh", "blocked_threshold_ns", [](auto* r) { r->set_blocked_threshold_ns(2 * 3'600 * kSecondNs); }),
      BadStream("QueueTooLong", "queue_limit", [](auto* r) { r->set_queue_limit(4'097); }),
      BadStream("QueueNegative", "queue_limit", [](auto* r) { r->set_queue_limit(-1); }),
      BadStream("PidZero", "pids[0]", [](auto* r) { r->add_pids(0); }),
      BadWatch("PeriodTooShort", "period_ns", [](auto* r) { r->set_period_ns(9'999'999); }),
      BadWatch("PeriodTooLong", "period_ns", [](auto* r) { r->set_period_ns(3'600 * kSecondNs + 1); }),
      BadWatch("MetricUnknown", "metrics[0]", [](auto* r) { r->add_metrics("run_queue_latency_p98_ns"); }),
      BadWatch("MetricEmpty", "metrics", [](auto* r) { r->add_metrics(""); }),
      BadWatch("TooManyMetrics", "metrics",
               [](auto* r) {
                 for (int i = 0; i < 65; ++i) r->add_metrics("spikes_count");
               }),
  };
}

class BadRequestsTest : public ServiceFixture {
 protected:
  void ExpectRefused(const BadRequestCase& bad) {
    SCOPED_TRACE(bad.name);
    const grpc::Status status = bad.call(stub_.get(), Context().get());
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
    EXPECT_FALSE(status.error_message().empty());
    EXPECT_EQ(ErrorInfoOf(status).reason(), "BAD_FIELD");
    EXPECT_EQ(ErrorInfoOf(status).domain(), "hftmon");
    const auto bad_request = BadRequestOf(status);
    ASSERT_TRUE(bad_request.has_value());
    ASSERT_GE(bad_request->field_violations_size(), 1);
    EXPECT_EQ(bad_request->field_violations(0).field(), bad.field);
    EXPECT_FALSE(bad_request->field_violations(0).description().empty());
  }
};

TEST_F(BadRequestsTest, EachBadFieldOfTheTargetCallsIsNamed) {
  for (const BadRequestCase& bad : TargetCases()) ExpectRefused(bad);
  v1::ListTargetsResponse list;
  ASSERT_TRUE(stub_->ListTargets(Context().get(), {}, &list).ok());
  EXPECT_EQ(list.targets_size(), 1) << "a refused call changed something";
}

TEST_F(BadRequestsTest, EachBadFieldOfTheQueriesAndStreamsIsNamed) {
  for (const BadRequestCase& bad : QueryCases()) ExpectRefused(bad);
  EXPECT_EQ(targets_.leases.taken(), 0) << "a refused stream took a lease";
  EXPECT_EQ(server_->stream_count(), 0u);
}

TEST_F(BadRequestsTest, AllFindingsAreReportedAtOnce) {
  v1::DetectSpikesRequest request;
  request.set_window_ns(-1);
  request.set_threshold_ns(-1);
  request.set_max_spikes(-1);
  v1::DetectSpikesResponse response;
  const grpc::Status status = stub_->DetectSpikes(Context().get(), request, &response);
  ASSERT_TRUE(BadRequestOf(status).has_value());
  EXPECT_EQ(BadRequestOf(status)->field_violations_size(), 3);
}

TEST_F(BadRequestsTest, AnUnknownMetricNamesNearOnes) {
  v1::WatchMetricsRequest request;
  request.add_metrics("run_queue_latency_p98_ns");
  auto context = Context();
  auto reader = stub_->WatchMetrics(context.get(), request);
  v1::WatchMetricsResponse response;
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_NE(reader->Finish().error_message().find("run_queue_latency_p99_ns"), std::string::npos);
}

TEST_F(BadRequestsTest, AMessageLargerThanTheBoundIsRefused) {
  v1::AttachRequest request;
  for (int i = 0; i < 20; ++i) request.mutable_options()->add_probe_groups(std::string(64 << 10, 'x'));
  v1::AttachResponse response;
  EXPECT_EQ(stub_->Attach(Context().get(), request, &response).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

}  // namespace
}  // namespace hftmon
