// SumWindow: the sum of a window over several resolutions, without counting any time twice or leaving any out.
//
// Any thread. Never blocks the writer: what it lapped while it was being copied is discarded and the sum begun again, at most
// kWindowAttempts times; after that the missing part is left out and the answer says `truncated`.
#ifndef HFTMON_DAEMON_STORE_WINDOW_QUERY_H_
#define HFTMON_DAEMON_STORE_WINDOW_QUERY_H_

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "daemon/store/bucket_log.h"
#include "daemon/store/thread_piece.h"
#include "daemon/store/thread_window.h"

namespace hftmon {

inline constexpr int kWindowAttempts = 4;

// `levels` from the finest to the coarsest; each one's edges are edges of the finer ones. Buckets that lie whole in the window come from
// the coarsest level that has them, its two ends from the finest.
// With `pieces`: each bucket comes from the finest level that has it, and each thread's part of it is added there, in the order of time; as
// many as the logs have entries at most.
WindowAnswer SumWindow(std::span<const BucketLog* const> levels, int64_t begin_mono_ns, int64_t end_mono_ns,
                       const std::function<bool(const ThreadKey&)>& filter, std::vector<ThreadPiece>* pieces = nullptr);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STORE_WINDOW_QUERY_H_
