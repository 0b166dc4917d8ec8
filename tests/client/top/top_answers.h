// Answers of a daemon that watches two processes with three threads, for the tests of the live view.
#ifndef HFTMON_TESTS_CLIENT_TOP_TOP_ANSWERS_H_
#define HFTMON_TESTS_CLIENT_TOP_TOP_ANSWERS_H_

#include <cstdint>
#include <string>

#include "client/top/top_model.h"
#include "client/top/top_update.h"
#include "client/top/top_view.h"

namespace hftmon {

// 1,000 s of CLOCK_MONOTONIC are 03:04:05.
v1::TimePair TopTime();
v1::GetStatusResponse TopStatus();
// matcher 4711 with two threads, feed 5000 with one.
v1::ListTargetsResponse TopTargets();
// matcher[4711]: SCHED_FIFO, busy; logger[4712]: mostly asleep; feed[5000].
v1::QueryThreadsResponse TopThreads();
// Of a second; `spikes`: of matcher[4711] in it.
TopMetrics TopSnapshot(bool per_thread, double spikes = 2);
// A preemption of `duration_ns` of thread `tid` of `comm`, by "stress"; the later its id, the later it began.
TopSpike TopSpikeOf(uint64_t id, const std::string& comm = "matcher", int32_t tid = 4711, int64_t duration_ns = 312'400);

// All of the above, with two spikes of matcher and one of feed.
TopModel FilledTop();

TopKey Character(const std::string& character);
TopKey Special(TopKey::Kind kind);
// Presses each character of it.
void PressAll(const std::string& characters, TopModel* model);

// Spikes as "SPIKE id" with two lines of causes; times as "HH:MM:SS.uuuuuu" of UTC.
TopTexts TestTexts();

}  // namespace hftmon

#endif  // HFTMON_TESTS_CLIENT_TOP_TOP_ANSWERS_H_
