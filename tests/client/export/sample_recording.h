// A recording of a matching engine with two threads, as the order book example makes them: the engine is preempted by a backup, sleeps for
// a lock and waits for a CPU after it, and is interrupted; the gateway moves from one CPU to the other. Names contain what formats must
// escape.
#ifndef HFTMON_TESTS_CLIENT_EXPORT_SAMPLE_RECORDING_H_
#define HFTMON_TESTS_CLIENT_EXPORT_SAMPLE_RECORDING_H_

#include <cstdint>

#include "client/recording/recording.h"

namespace hftmon {

inline constexpr int32_t kBookPid = 100;
inline constexpr int32_t kEngineTid = 101;
inline constexpr int32_t kGatewayTid = 102;
inline constexpr int32_t kBackupTid = 812;
inline constexpr int32_t kFeedTid = 55;

Recording SampleRecording();

// Many pieces, spikes, wake-ups and counters: `event_count` of them, pieces mostly, of 8 threads on 8 CPUs.
Recording LargeRecording(size_t event_count);

}  // namespace hftmon

#endif  // HFTMON_TESTS_CLIENT_EXPORT_SAMPLE_RECORDING_H_
