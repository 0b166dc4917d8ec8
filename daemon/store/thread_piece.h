// ThreadPiece: what one thread did in one bucket, as far as its time is concerned. Passive data; times in nanoseconds.
#ifndef HFTMON_DAEMON_STORE_THREAD_PIECE_H_
#define HFTMON_DAEMON_STORE_THREAD_PIECE_H_

#include <cstdint>

#include "daemon/ingest/interval.h"

namespace hftmon {

struct ThreadPiece {
  ThreadKey thread;
  int64_t begin_mono_ns = 0;  // the bucket's edges
  int64_t end_mono_ns = 0;
  uint32_t in_count = 0;     // times it was seen to get its CPU
  uint32_t timed_count = 0;  // of these, with a beginning: in off_cpu_ns, or discarded
  uint32_t out_count = 0;    // times it was seen to leave it
  int64_t off_cpu_ns = 0;    // of intervals that ended in the bucket, whole
  int64_t run_delay_ns = 0;  // of them the waiting parts
  int64_t interrupted_ns = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STORE_THREAD_PIECE_H_
