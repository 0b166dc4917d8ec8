// AlphaFrames as a Perfetto trace: one track with a flame graph of nested slices, whose width is money: a nanosecond of the
// trace's time is 1/10,000 of the currency. Pure, any thread.
#ifndef HFTMON_CLIENT_EXPORT_ALPHA_TRACE_H_
#define HFTMON_CLIENT_EXPORT_ALPHA_TRACE_H_

#include <string>
#include <vector>

#include "client/export/alpha_frames.h"
#include "client/recording/recording.h"

namespace hftmon {

// `frames` as AlphaFrames gives them: equal beginnings stand side by side. A stack that rounds to 0 units is left out.
std::string AlphaTrace(const Recording& recording, const std::vector<AlphaFrame>& frames);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_EXPORT_ALPHA_TRACE_H_
