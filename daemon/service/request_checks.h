// RequestChecks: collects what is wrong with a request's fields, all of it, and makes one INVALID_ARGUMENT of it. One call's own; no thread
// but its.
#ifndef HFTMON_DAEMON_SERVICE_REQUEST_CHECKS_H_
#define HFTMON_DAEMON_SERVICE_REQUEST_CHECKS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/service/rich_error.h"
#include "daemon/service/service_limits.h"
#include "google/protobuf/repeated_field.h"
#include "hftmon/v1/cache.pb.h"
#include "hftmon/v1/hardware.pb.h"
#include "hftmon/v1/interrupts.pb.h"
#include "hftmon/v1/inversions.pb.h"
#include "hftmon/v1/locks.pb.h"
#include "hftmon/v1/metrics.pb.h"
#include "hftmon/v1/network.pb.h"
#include "hftmon/v1/numa.pb.h"
#include "hftmon/v1/operations.pb.h"
#include "hftmon/v1/recommend.pb.h"
#include "hftmon/v1/sampling.pb.h"
#include "hftmon/v1/sharing.pb.h"
#include "hftmon/v1/spikes.pb.h"
#include "hftmon/v1/switches.pb.h"
#include "hftmon/v1/targets.pb.h"
#include "hftmon/v1/threads.pb.h"
#include "hftmon/v1/timeline.pb.h"

namespace hftmon {

inline constexpr int kPidsPerAttachMax = 64;
inline constexpr int kSelectorsPerCallMax = 16;
inline constexpr int kClientNameBytesMax = 64;
inline constexpr int kPidsPerQueryMax = 65'536;  // the highest bound of targets; the size of a request bounds it too
inline constexpr int kTidsPerQueryMax = 65'536;  // and of threads
inline constexpr int kPercentilesMax = 16;
inline constexpr int kPidsPerReadNowMax = 16;  // each CPU that a thread of theirs runs on is interrupted
inline constexpr int kProbeGroupsMax = 16;
inline constexpr int kMetricsPerWatchMax = 64;
inline constexpr int64_t kTimelineWindowMinNs = 1'000;
inline constexpr int64_t kTimelineWindowMaxNs = 60'000'000'000;
inline constexpr int64_t kTimelineWindowDefaultNs = 1'000'000'000;
inline constexpr int kTimelinePiecesMax = 100'000;
inline constexpr int kTimelinePiecesDefault = 10'000;
inline constexpr int kCorrelatedEventsMax = 10'000;
inline constexpr int kEventIdBytesMax = 64;
inline constexpr int64_t kCorrelateSpanMaxNs = 10'000'000'000;
inline constexpr int64_t kCorrelateBeforeDefaultNs = 100'000;
inline constexpr int kAnswerRowsDefault = 1'000;
inline constexpr int kQueueLimitDefault = 1'024;
inline constexpr int64_t kMetricsPeriodMinNs = 10'000'000;
inline constexpr int64_t kMetricsPeriodMaxNs = 3'600'000'000'000;
inline constexpr int64_t kThreadPeriodMinNs = 1'000;
inline constexpr int64_t kThreadPeriodMaxNs = 60'000'000'000;
inline constexpr int64_t kMetricsPeriodDefaultNs = 1'000'000'000;
inline constexpr int64_t kSamplingDurationMinNs = 1'000'000;
inline constexpr int64_t kSamplingDurationMaxNs = 10'000'000'000;
inline constexpr int64_t kStateIntervalMinNs = 1'000;
inline constexpr int64_t kStateIntervalMaxNs = 100'000'000;
inline constexpr int64_t kCounterRateMaxHz = 100'000;  // the kernel's timer overflows no oftener
inline constexpr int64_t kAccessSamplingDurationMinNs = 1'000'000;
inline constexpr int64_t kAccessSamplingDurationMaxNs = 60'000'000'000;
inline constexpr int64_t kLoadLatencyMaxCycles = 65'535;  // of PEBS's threshold
inline constexpr int64_t kAccessPeriodMax = int64_t{1} << 31;
inline constexpr int kContendedLinesMax = 1'000;
inline constexpr int kPidsPerNumaQueryMax = 64;  // they are looked at one after another
inline constexpr int64_t kNumaPagesMax = 65'536;
inline constexpr int64_t kNumaBandwidthMinNs = 10'000'000;
inline constexpr int64_t kNumaBandwidthMaxNs = 10'000'000'000;
inline constexpr int64_t kNumaGrowthMinNs = 100'000'000;
inline constexpr int64_t kNumaGrowthMaxNs = 60'000'000'000;
inline constexpr size_t kCpuListBytesMax = 4'096;

class RequestChecks {
 public:
  void Add(const std::string& field, const std::string& description);

  // 0 or [min, max]; `zero_means` completes the sentence "0 for …".
  void ZeroOrWithin(const std::string& field, int64_t value, int64_t min, int64_t max, const std::string& zero_means);
  // The same where the highest value is a limit of the configuration, which the finding names.
  void ZeroOrUpTo(const std::string& field, int64_t value, int64_t min, int64_t max, const std::string& setting,
                  const std::string& zero_means);
  void Pids(const std::string& field, const google::protobuf::RepeatedField<int32_t>& pids, int count_max);
  void Cpus(const std::string& field, const google::protobuf::RepeatedField<int32_t>& cpus);
  void Percentiles(const std::string& field, const google::protobuf::RepeatedField<double>& percentiles);
  void Options(const std::string& prefix, const v1::TargetOptions& options);

  // OK, or INVALID_ARGUMENT (reason BAD_FIELD) with a violation for each finding.
  grpc::Status Result() const;

 private:
  std::vector<FieldViolation> violations_;
};

// The whole check of each request that carries anything.
grpc::Status Check(const v1::AttachRequest& request);
grpc::Status Check(const v1::DetachRequest& request);
grpc::Status Check(const v1::HoldTargetsRequest& request);
grpc::Status Check(const v1::UpdateTargetRequest& request);
grpc::Status Check(const v1::QueryContextSwitchesRequest& request, const ServiceLimits& limits);
grpc::Status Check(const v1::QueryInterruptsRequest& request, const ServiceLimits& limits);
grpc::Status Check(const v1::QueryHardwareRequest& request);
grpc::Status Check(const v1::QueryInversionsRequest& request, const ServiceLimits& limits);
grpc::Status Check(const v1::QueryLocksRequest& request, const ServiceLimits& limits);
grpc::Status Check(const v1::RecommendRequest& request, const ServiceLimits& limits);
grpc::Status Check(const v1::QueryMemoryRequest& request, const ServiceLimits& limits);
grpc::Status Check(const v1::QueryCacheRequest& request, const ServiceLimits& limits);
grpc::Status Check(const v1::QueryNetworkRequest& request);
grpc::Status Check(const v1::QueryOperationsRequest& request);
grpc::Status Check(const v1::SampleStateRequest& request);
grpc::Status Check(const v1::SampleAccessesRequest& request);
grpc::Status Check(const v1::SampleCountersRequest& request);
grpc::Status Check(const v1::QueryNumaRequest& request);
grpc::Status Check(const v1::QueryTimelineRequest& request);
grpc::Status Check(const v1::CorrelateEventsRequest& request);
grpc::Status Check(const v1::QueryThreadsRequest& request, const ServiceLimits& limits);
grpc::Status Check(const v1::DetectSpikesRequest& request, const ServiceLimits& limits);
grpc::Status Check(const v1::StreamSpikesRequest& request, const ServiceLimits& limits);
grpc::Status Check(const v1::WatchMetricsRequest& request);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_REQUEST_CHECKS_H_
