// NumaRpcFixture: QueryNuma, asked of the service in this process.
#ifndef HFTMON_TESTS_DAEMON_SERVICE_NUMA_RPC_FIXTURE_H_
#define HFTMON_TESTS_DAEMON_SERVICE_NUMA_RPC_FIXTURE_H_

#include <string>

#include "tests/daemon/service/service_fixture.h"

namespace hftmon {

class NumaRpcFixture : public ServiceFixture {
 protected:
  grpc::Status Query() {
    response_.Clear();
    return stub_->QueryNuma(Context().get(), request_, &response_);
  }
  // The first field that the refusal names; empty: it was not refused for one.
  std::string FieldOf(const v1::QueryNumaRequest& bad) {
    request_ = bad;
    const auto violations = BadRequestOf(Query());
    return violations.has_value() ? violations->field_violations(0).field() : "";
  }

  v1::QueryNumaRequest request_;
  v1::QueryNumaResponse response_;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_SERVICE_NUMA_RPC_FIXTURE_H_
