// KeyOfThread: a thread for as long as it lives, also where its number is used again.
#ifndef HFTMON_CLIENT_CLI_THREAD_KEY_H_
#define HFTMON_CLIENT_CLI_THREAD_KEY_H_

#include <cstdint>
#include <utility>

#include "hftmon/v1/common.pb.h"

namespace hftmon {

inline std::pair<int32_t, int64_t> KeyOfThread(const v1::ThreadId& thread) {
  return {thread.tid(), thread.start_boottime_ns()};
}

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_THREAD_KEY_H_
