#include "daemon/service/hold_stream.h"

#include <memory>

#include "daemon/service/request_checks.h"

namespace hftmon {

grpc::ServerWriteReactor<v1::HoldTargetsResponse>* HoldStream::Start(const v1::HoldTargetsRequest& request, const Shared& shared) {
  using Refused = RefusedStream<v1::HoldTargetsResponse>;
  if (const grpc::Status checked = Check(request); !checked.ok()) return new Refused(checked);
  const absl::StatusOr<uint64_t> session_id = shared.targets->OpenSession(request.client());
  if (!session_id.ok()) return new Refused(ToGrpcStatus(session_id.status()));
  std::unique_ptr<HoldStream> stream(new HoldStream(shared, *session_id));
  if (const grpc::Status added = shared.streams->Add(stream.get(), shared.limits->Get().sessions_max); !added.ok()) {
    shared.targets->CloseSession(*session_id);
    return new Refused(added);
  }
  stream->Pump();
  return stream.release();
}

bool HoldStream::NextMessage(v1::HoldTargetsResponse* message) {
  if (announced_) return false;
  announced_ = true;
  message->set_session_id(session_id_);
  return true;
}

void HoldStream::Release() {
  shared_.targets->CloseSession(session_id_);
  shared_.thresholds->Invalidate();
}

}  // namespace hftmon
