// top: a live view of targets, threads and the latest spikes, or one page of it as text.
#include "client/top/top_loop.h"

#include <unistd.h>

#include "client/cli/exit_code.h"
#include "client/cli/option_values.h"
#include "client/cli/render/spikes.h"
#include "client/cli/time_scale.h"
#include "client/cli/verbs/verbs.h"
#include "client/top/top_feed.h"
#include "client/top/top_screen.h"

namespace hftmon {
namespace {

constexpr DurationRange kTopPeriodRange{500'000'000, 3'600'000'000'000, "500ms to 1h"};
constexpr int kWidthMax = 1'000;
constexpr int kHeightMax = 10'000;
constexpr int64_t kOncePeriods = 3;  // within which each answer has come at least once

class TopVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand("top", "live view: targets, threads, their figures, the latest spikes with their causes");
    verb->add_option("-p,--pid", pids_,
                     "these processes alone, a list; one that is no target is attached for as long as top runs (default: all targets)");
    verb->add_option("--period", period_, "of the figures, 500ms to 1h")->capture_default_str();
    verb->add_option("--threshold", threshold_, "only spikes longer than this (default: each target's own threshold)");
    verb->add_option("--blocked", blocked_, "also sleeping and blocking longer than this");
    verb->add_flag("--once", once_, "print one page as text, after one period, and end");
    verb->add_option("--width", width_, "columns of that page (default: the terminal's, else 80)");
    verb->add_option("--height", height_, "lines of that page (default: 24)");
    verb->footer(
        "Keys: ? shows them; q quits. What is watched stays as it is: but for -p of a process that is no target, nothing is attached. It\n"
        "works without colours (NO_COLOR, TERM=vt100).\n"
        "Exit code: 0 after q, 128 + n after signal n; of --once 1: records were lost, threads were not watched, or the programs are off.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    auto question = Read();
    if (!question.ok()) return question.status();
    const auto size = PageSize(context.console);
    if (!size.ok()) return size.status();
    if (!once_ && (isatty(context.console.out_fd()) == 0 || isatty(STDIN_FILENO) == 0)) {
      return absl::FailedPreconditionError("standard input or output: is no terminal: use --once for a page as text, or `hftmon metrics`");
    }
    return once_ ? Print(context, *std::move(question), *size) : Live(context, *std::move(question));
  }

 private:
  absl::StatusOr<TopQuestion> Read() const {
    TopQuestion question;
    auto pids = ParseIds("--pid", pids_);
    if (!pids.ok()) return pids.status();
    question.pids = *std::move(pids);
    question.hold = !question.pids.empty();
    const auto period_ns = ParseDurationOption("--period", period_, kTopPeriodRange);
    if (!period_ns.ok()) return period_ns.status();
    question.period_ns = *period_ns;
    if (!threshold_.empty()) {
      const auto threshold_ns = ParseDurationOption("--threshold", threshold_, kThresholdRange);
      if (!threshold_ns.ok()) return threshold_ns.status();
      question.threshold_ns = *threshold_ns;
    }
    if (!blocked_.empty()) {
      const auto blocked_ns = ParseDurationOption("--blocked", blocked_, kBlockedRange);
      if (!blocked_ns.ok()) return blocked_ns.status();
      question.blocked_threshold_ns = *blocked_ns;
    }
    return question;
  }

  absl::StatusOr<TopSize> PageSize(const Console& console) const {
    if (!once_ && !(width_.empty() && height_.empty())) {
      return absl::InvalidArgumentError("--width, --height: of a page that is printed: give --once too, or neither");
    }
    TopSize size;
    if (console.out_width() > 0) size.width = console.out_width();
    if (!width_.empty()) {
      const auto width = ParseCount("--width", width_, kTopSizeMin.width, kWidthMax);
      if (!width.ok()) return width.status();
      size.width = *width;
    }
    if (!height_.empty()) {
      const auto height = ParseCount("--height", height_, kTopSizeMin.height, kHeightMax);
      if (!height.ok()) return height.status();
      size.height = *height;
    }
    return size;
  }

  // As other verbs say them.
  static TopTexts TextsOf(const Context& context) {
    const absl::TimeZone zone = context.zone;
    return {.spike = [zone](const v1::Spike& spike, const v1::TimePair& time) { return SpikeText(spike, time, zone, TextStyle{}); },
            .time_of_day = [zone](int64_t monotonic_ns,
                                  const v1::TimePair& time) { return FormatTime(monotonic_ns, time, zone, TimeScale::kLocal); }};
  }

  absl::StatusOr<int> Print(const Context& context, TopQuestion question, TopSize size) {
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    const int64_t deadline_ns = context.timeout_ns + kOncePeriods * question.period_ns;
    TopModel model(!question.pids.empty());
    TopQueue queue;
    TopFeed feed(**client, std::move(question), &queue);
    if (absl::Status started = feed.Start(); !started.ok()) return started;
    if (absl::Status whole = AwaitTopData(queue, model, deadline_ns); !whole.ok()) return whole;
    context.console.Out(PageText(RenderTop(model, TextsOf(context), size, LocaleIsUtf8())));
    const TopData& data = model.data();
    const bool warned = data.lost_records() > 0 || data.unslotted_thread_count() > 0 || data.status().operation().off();
    return warned ? kExitWarnings : kExitFine;
  }

  absl::StatusOr<int> Live(const Context& context, TopQuestion question) {
    // Before the first thread, which the client's first call starts.
    const auto signals = TopSignals::Block();
    if (!signals.ok()) return signals.status();
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    TopModel model(!question.pids.empty());
    TopQueue queue;
    TopFeed feed(**client, std::move(question), &queue);
    // Its errors are told as those of any verb, before the terminal is taken.
    if (absl::Status started = feed.Start(); !started.ok()) return started;
    const auto screen = TopScreen::Open(context.console.out_style().colour);
    if (!screen.ok()) return screen.status();
    const int signal =
        RunTopLoop(**screen, **signals, queue, model, TextsOf(context), [&feed](const TopSpike& spike) { feed.LookAgain(spike); });
    return signal == 0 ? kExitFine : kExitSignalBase + signal;
  }

  std::vector<std::string> pids_;
  std::string period_ = "1s";
  std::string threshold_;
  std::string blocked_;
  bool once_ = false;
  std::string width_;
  std::string height_;
};

}  // namespace

std::unique_ptr<Verb> NewTopVerb() {
  return std::make_unique<TopVerb>();
}

}  // namespace hftmon
