#include "client/top/top_loop.h"

#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>

namespace hftmon {
namespace {

using Clock = std::chrono::steady_clock;

// Without a descriptor the queue is looked at this often.
constexpr int kLookMs = 500;

bool TakeAll(TopQueue& queue, TopModel& model) {
  const std::vector<TopUpdate> updates = queue.Take();
  for (const TopUpdate& update : updates) model.Take(update);
  model.NoteDropped(queue.dropped_count());
  return !updates.empty();
}

int MillisecondsUntil(Clock::time_point time) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(time - Clock::now()).count();
  return static_cast<int>(std::max<int64_t>(left + 1, 0));
}

class Loop {
 public:
  Loop(TopTerminal& terminal, TopSignals& signals, TopQueue& queue, TopModel& model, const TopTexts& texts,
       const std::function<void(const TopSpike&)>& look_again)
      : terminal_(terminal), signals_(signals), queue_(queue), model_(model), texts_(texts), look_again_(look_again) {}

  int Run() {
    TakeAll(queue_, model_);
    Show();
    for (;;) {
      Wait();
      if (const std::optional<int> end = TakeSignals(); end.has_value()) return *end;
      if (hung_up_) return SIGHUP;
      bool pressed = false;
      while (const std::optional<TopKey> key = terminal_.Read()) {
        if (!model_.Press(*key)) return 0;
        pressed = true;
      }
      if (const auto spike = model_.TakeLookedFor(); spike.has_value()) look_again_(*spike);
      // What came is taken once it can be shown: until then the queue bounds it.
      const bool may_show = Clock::now() >= next_page_;
      const bool came = may_show && TakeAll(queue_, model_);
      if (pressed || resized_ || came) Show();
    }
  }

 private:
  void Wait() {
    // While it is too early for another page, what comes waits; it is readable then at once.
    const bool early = Clock::now() < next_page_;
    const int timeout_ms = early ? MillisecondsUntil(next_page_) : queue_.fd() < 0 ? kLookMs : -1;
    std::array<pollfd, 3> fds{{{terminal_.input_fd(), POLLIN, 0}, {signals_.fd(), POLLIN, 0}, {early ? -1 : queue_.fd(), POLLIN, 0}}};
    if (poll(fds.data(), fds.size(), timeout_ms) < 0) return;  // interrupted: the next turn looks again
    hung_up_ = (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
  }

  // A value: the end.
  std::optional<int> TakeSignals() {
    for (int signal = signals_.Next(); signal != 0; signal = signals_.Next()) {
      switch (signal) {
        case SIGWINCH:
          terminal_.Resize();
          resized_ = true;
          break;
        case SIGTSTP:
          terminal_.Leave();
          TopSignals::StopHere();
          terminal_.Return();
          resized_ = true;
          break;
        default:
          return signal;
      }
    }
    return std::nullopt;
  }

  void Show() {
    const TopPage page = RenderTop(model_, texts_, terminal_.size(), terminal_.utf8());
    model_.SetRoom(page.room);
    terminal_.Show(page);
    resized_ = false;
    next_page_ = Clock::now() + std::chrono::milliseconds(kTopPageIntervalMs);
  }

  TopTerminal& terminal_;
  TopSignals& signals_;
  TopQueue& queue_;
  TopModel& model_;
  const TopTexts& texts_;
  const std::function<void(const TopSpike&)>& look_again_;
  Clock::time_point next_page_;
  bool resized_ = false;
  bool hung_up_ = false;
};

}  // namespace

int RunTopLoop(TopTerminal& terminal, TopSignals& signals, TopQueue& queue, TopModel& model, const TopTexts& texts,
               const std::function<void(const TopSpike&)>& look_again) {
  return Loop(terminal, signals, queue, model, texts, look_again).Run();
}

absl::Status AwaitTopData(TopQueue& queue, TopModel& model, int64_t deadline_ns) {
  const Clock::time_point deadline = Clock::now() + std::chrono::nanoseconds(deadline_ns);
  for (;;) {
    TakeAll(queue, model);
    if (model.data().is_whole()) return absl::OkStatus();
    if (!model.data().trouble().empty()) return absl::UnavailableError(model.data().trouble());
    if (Clock::now() >= deadline) {
      return absl::DeadlineExceededError("figures: the daemon did not tell them in time: see `hftmon status`, or give a longer --timeout");
    }
    pollfd fd{queue.fd(), POLLIN, 0};
    // The next turn finds out what came.
    if (poll(&fd, 1, std::min(MillisecondsUntil(deadline), kLookMs)) < 0) continue;
  }
}

}  // namespace hftmon
