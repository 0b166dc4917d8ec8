// ConvertWaker: hftmon::Waker -> hftmon.v1.Waker. Any thread.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_WAKER_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_WAKER_H_

#include "daemon/ingest/waker.h"
#include "daemon/service/convert.h"
#include "hftmon/v1/wakers.pb.h"

namespace hftmon {

void WakerToProto(const Waker& waker, ThreadNames* names, v1::Waker* out);

// Fills `message`'s field `waker` when there is something to say.
template <typename Message>
void AddWaker(const Waker& waker, ThreadNames* names, Message* message) {
  if (waker.state != WakerState::kNone) WakerToProto(waker, names, message->mutable_waker());
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_WAKER_H_
