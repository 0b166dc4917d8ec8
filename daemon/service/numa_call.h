// NumaCall: the unary call QueryNuma: begins the look and answers when it is over. See SamplingCall. The look has a thread of its own.
#ifndef HFTMON_DAEMON_SERVICE_NUMA_CALL_H_
#define HFTMON_DAEMON_SERVICE_NUMA_CALL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/service/numa_look.h"
#include "daemon/service/sampled_lines.h"
#include "daemon/service/sampling_call.h"
#include "grpcpp/support/server_callback.h"
#include "hftmon/v1/numa.pb.h"

namespace hftmon {

class NumaCall final : public SamplingCall {
 public:
  static constexpr uint64_t kPagesDefault = 4'096;
  static constexpr size_t kProcessesMax = 64;
  // What threads did in it says where their process is at home.
  static constexpr int64_t kHomeWindowNs = 60'000'000'000;

  // The request is checked, and its processes named by the initial namespace's numbers.
  static grpc::ServerUnaryReactor* Start(grpc::CallbackServerContext* context, const Shared& shared, const v1::QueryNumaRequest& request,
                                         v1::QueryNumaResponse* response);

 private:
  NumaCall(grpc::CallbackServerContext* context, const Shared& shared, v1::QueryNumaResponse* response)
      : SamplingCall(context, shared), response_(response) {}

  grpc::Status Begin(const v1::QueryNumaRequest& request);
  // Sets targets_.
  grpc::Status Choose(const v1::QueryNumaRequest& request);
  int64_t Poll(int64_t now_ns) override;
  void Release() override;
  grpc::Status Answer(const NumaLook& look);
  void AddRemoteShares(const NumaLook& look);
  void AddLineHeat(const NumaLook& look);

  v1::QueryNumaResponse* const response_;
  v1::HeatMapResolution resolution_ = v1::HEAT_MAP_RESOLUTION_UNSPECIFIED;
  std::vector<TargetInfo> targets_;             // that run, by pid
  std::vector<std::optional<LineHeat>> heats_;  // of targets_, one each; absent: none is wanted, or it was not sampled
  std::unique_ptr<NumaLookRun> run_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_NUMA_CALL_H_
