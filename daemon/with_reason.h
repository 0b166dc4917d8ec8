// WithReason: an error with the reason that its answer carries on the wire (RichError): "QUIET", "OFF", "SAMPLING". Any thread.
#ifndef HFTMON_DAEMON_WITH_REASON_H_
#define HFTMON_DAEMON_WITH_REASON_H_

#include "absl/status/status.h"
#include "daemon/service/rich_error.h"

namespace hftmon {

// Requires: not OK.
inline absl::Status WithReason(absl::Status status, const char* reason) {
  status.SetPayload(kErrorReasonPayload, absl::Cord(reason));
  return status;
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_WITH_REASON_H_
