// timeline: what threads did over a window, drawn.
#include "client/cli/render/timeline.h"

#include "absl/strings/numbers.h"
#include "client/cli/exit_code.h"
#include "client/cli/option_values.h"
#include "client/cli/render/warnings.h"
#include "client/cli/thread_flags.h"
#include "client/cli/verbs/verbs.h"

namespace hftmon {
namespace {

constexpr DurationRange kTimelineRange{1'000, 60'000'000'000, "1us to 60s"};
constexpr int kPiecesMax = 100'000;
constexpr int kWidthMin = 20;
constexpr int kWidthDefault = 100;

class TimelineVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb =
        app.add_subcommand("timeline", "what the threads of a process did over a window: ran, waited, slept, were interrupted");
    threads_.Declare(*verb);
    verb->add_option("--window", window_, "how far back from its end, 1us to 60s (default: 100ms)");
    verb->add_option("--end", end_, "when the window ends, in nanoseconds of CLOCK_MONOTONIC (default: now)");
    verb->add_option("--width", width_, "characters of a line (default: the terminal's, else 100)");
    verb->add_option("--pieces", pieces_, "pieces of time of all threads at most, the newest (default: 10000; up to 100000)");
    verb->add_flag("--json", json_, "print one JSON object: each piece with its beginning and length");
    verb->footer(
        "One row a thread, a letter a column: # running, - blocked, w waiting for a CPU, ! interrupted, ? unknown. A column shows what "
        "had\n"
        "most of its time; the line above it what else there was (* several), the line below the CPU, where it begins to run there.\n"
        "Waits below the target's --threshold, and sleeps below its --blocked, are not known one by one: they look like running. Without\n"
        "--blocked that is every sleep but those that a longer wait ended.\n"
        "Exit code 1: records were lost, pieces were left out, threads were not watched, the programs were off, or sleeps are not known.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    v1::QueryTimelineRequest request;
    if (const absl::Status status = threads_.AddTo(&request); !status.ok()) return status;
    const auto window_ns = ParseDurationOption("--window", window_, kTimelineRange);
    if (!window_ns.ok()) return window_ns.status();
    request.set_window_ns(*window_ns);
    if (!end_.empty()) {
      int64_t end_ns = 0;
      if (!absl::SimpleAtoi(end_, &end_ns) || end_ns <= 0) {
        return absl::InvalidArgumentError("--end '" + end_ + "': no time: give nanoseconds of CLOCK_MONOTONIC, as start_ns of a spike");
      }
      request.set_end_monotonic_ns(end_ns);
    }
    int width = context.console.out_width() > 0 ? context.console.out_width() : kWidthDefault;
    if (!width_.empty()) {
      const auto asked = ParseCount("--width", width_, kWidthMin, kTimelineColumnsMax);
      if (!asked.ok()) return asked.status();
      width = *asked;
    }
    if (!pieces_.empty()) {
      const auto pieces = ParseCount("--pieces", pieces_, 1, kPiecesMax);
      if (!pieces.ok()) return pieces.status();
      request.set_max_pieces(*pieces);
    }
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    const auto response = (*client)->QueryTimeline(request);
    if (!response.ok()) return response.status();
    context.console.Out(json_ ? JsonLine(TimelineJson(*response))
                              : TimelineText(*response, context.zone, context.console.out_style(), width));
    const std::vector<std::string> warnings = WarningsOf(*response);
    PrintWarnings(context.console, "timeline", warnings);
    return warnings.empty() ? kExitFine : kExitWarnings;
  }

 private:
  ThreadFlags threads_;
  std::string window_ = "100ms";
  std::string end_;
  std::string width_;
  std::string pieces_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewTimelineVerb() {
  return std::make_unique<TimelineVerb>();
}

}  // namespace hftmon
