// PidTranslation: the process and thread ids of a request that are those of the client's pid namespace (call metadata, see the top of
// monitor.proto) become those of the initial one. One call's own; any thread but the housekeeping thread (it may read /proc).
//
// Without that metadata, and without ids, nothing is read. Else /proc may be, for many threads: the call is one of `queries` as long as the
// object lives, and is refused (reason QUERY_LIMIT) where `queries_max` are in flight already. Ids below 1 and lists longer than a request
// may have are left as they are: the request's check refuses them.
#ifndef HFTMON_DAEMON_SERVICE_PID_TRANSLATION_H_
#define HFTMON_DAEMON_SERVICE_PID_TRANSLATION_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/service/query_pass.h"
#include "daemon/service/service_core.h"
#include "google/protobuf/repeated_field.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/status.h"

namespace hftmon {

class PidTranslation {
 public:
  using Ids = google::protobuf::RepeatedField<int32_t>;

  // All but `queries_max` outlive the object.
  PidTranslation(const ServiceCore& core, const grpc::CallbackServerContext& context, QueryGauge* queries, int64_t queries_max)
      : core_(core), context_(context), queries_(queries), queries_max_(queries_max) {}

  // Of processes that need not be targets.
  grpc::Status Processes(Ids* pids);
  // Of targets, those that have ended included.
  grpc::Status TargetPids(Ids* pids);
  // Of threads of the targets `pids`, which have been translated; of all targets when there are none.
  grpc::Status Threads(const Ids& pids, Ids* tids);

  // A query's or a stream's.
  template <typename Request>
  grpc::Status Query(Request* request) {
    grpc::Status status = TargetPids(request->mutable_pids());
    if constexpr (requires { request->mutable_tids(); }) {
      if (status.ok()) status = Threads(request->pids(), request->mutable_tids());
    }
    return status;
  }

 private:
  using Numbers = std::set<int32_t>;
  using Translated = std::map<int32_t, uint32_t>;

  // Which namespace the ids are of; 0: the daemon's own. Asked once.
  grpc::Status Learn(uint64_t* inode);
  grpc::Status LearnAnew(uint64_t* inode);
  grpc::Status InnermostOf(int32_t pid, uint64_t client_inode, uint64_t* inode);
  // Whether there is something to translate.
  grpc::Status Begin(const Ids& ids, uint64_t* inode, bool* needed);
  grpc::Status FindProcesses(uint64_t inode, const Numbers& numbers, Translated* found);
  grpc::Status WhyNoTarget(uint64_t inode, int32_t number);

  const ServiceCore& core_;
  const grpc::CallbackServerContext& context_;
  QueryGauge* const queries_;
  const int64_t queries_max_;
  std::optional<QueryPass> pass_;
  std::optional<uint64_t> inode_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_PID_TRANSLATION_H_
