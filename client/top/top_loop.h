// The loop of the live view: takes what came, shows it, does what keys and signals ask for.
#ifndef HFTMON_CLIENT_TOP_TOP_LOOP_H_
#define HFTMON_CLIENT_TOP_TOP_LOOP_H_

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "client/top/top_model.h"
#include "client/top/top_queue.h"
#include "client/top/top_signals.h"
#include "client/top/top_terminal.h"
#include "client/top/top_view.h"

namespace hftmon {

// Between two pages that data alone made: over a slow line a page may take as long.
inline constexpr int kTopPageIntervalMs = 200;

// Until q (returns 0) or a signal that ends programs (returns it); SIGHUP also when the terminal is gone. Of keys the page is shown at
// once. `look_again` is told of each spike that is opened. On the calling thread.
int RunTopLoop(TopTerminal& terminal, TopSignals& signals, TopQueue& queue, TopModel& model, const TopTexts& texts,
               const std::function<void(const TopSpike&)>& look_again);

// Takes what comes until there is one of each kind of answer. DEADLINE_EXCEEDED after `deadline_ns`; UNAVAILABLE with the trouble when the
// daemon goes away meanwhile.
absl::Status AwaitTopData(TopQueue& queue, TopModel& model, int64_t deadline_ns);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_TOP_TOP_LOOP_H_
