// spikes: latency spikes with their time budgets, of a window or as they happen.
#include "client/cli/render/spikes.h"

#include <fmt/format.h>

#include <chrono>

#include "client/cli/drop_notice.h"
#include "client/cli/exit_code.h"
#include "client/cli/follow.h"
#include "client/cli/off_notice.h"
#include "client/cli/option_values.h"
#include "client/cli/render/warnings.h"
#include "client/cli/render/window.h"
#include "client/cli/spike_quota.h"
#include "client/cli/told_spikes.h"
#include "client/cli/verbs/verbs.h"
#include "common/duration.h"

namespace hftmon {
namespace {

constexpr int kSpikesMax = 100'000;

// What the options ask for, read and checked.
struct Question {
  std::vector<int32_t> pids;
  int64_t window_ns = 0;  // 0 = all that is kept
  int64_t threshold_ns = 0;
  int64_t blocked_threshold_ns = 0;
  int32_t limit = 0;  // 0 = none given
  TimeScale scale = TimeScale::kLocal;
};

class SpikesVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand("spikes", "latency spikes, each with its time budget");
    verb->add_option("-p,--pid", pids_, "process ids of targets, a list (default: all)");
    verb->add_flag("--follow", follow_, "print them as they happen, until ^C");
    verb->add_option("--window", window_, "how far back from now, or `all` that is kept (default: 10s; with --follow: none)");
    verb->add_option("--threshold", threshold_, "only those longer than this (default: each target's own threshold)");
    verb->add_option("--blocked", blocked_, "also sleeping and blocking longer than this");
    verb->add_option("--limit", limit_,
                     "the most recent ones; with --follow: stop after so many, each at its end (default: 1000; with --follow: none)");
    verb->add_option("--time", time_, "what times are shown in, to match captures: local, utc, tai or mono (default: local)");
    verb->add_flag("--fail-on-spike", fail_on_spike_, "exit code 2 when there was one");
    verb->add_flag("--json", json_, "print one JSON object a line");
    verb->footer(
        "Exit code 1: records were lost, spikes were dropped, threads were not watched, or the answer is incomplete; 2: see "
        "--fail-on-spike.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    const auto question = Read();
    if (!question.ok()) return question.status();
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    return follow_ ? Follow(context, **client, *question) : Detect(context, **client, *question);
  }

 private:
  absl::StatusOr<Question> Read() const {
    Question question;
    auto pids = ParseIds("--pid", pids_);
    if (!pids.ok()) return pids.status();
    question.pids = *std::move(pids);
    const auto window_ns = ParseWindow(window_.empty() ? "10s" : window_);
    if (!window_ns.ok()) return window_ns.status();
    question.window_ns = *window_ns;
    if (!threshold_.empty()) {
      const auto threshold_ns = ParseDurationOption("--threshold", threshold_, follow_ ? kThresholdRange : kPastThresholdRange);
      if (!threshold_ns.ok()) return threshold_ns.status();
      question.threshold_ns = *threshold_ns;
    }
    if (!blocked_.empty()) {
      const auto blocked_ns = ParseDurationOption("--blocked", blocked_, follow_ ? kBlockedRange : kPastBlockedRange);
      if (!blocked_ns.ok()) return blocked_ns.status();
      question.blocked_threshold_ns = *blocked_ns;
    }
    if (const auto scale = ParseTimeScale("--time", time_.empty() ? "local" : time_); scale.ok()) {
      question.scale = *scale;
    } else {
      return scale.status();
    }
    if (!limit_.empty()) {
      const auto limit = ParseCount("--limit", limit_, 1, kSpikesMax);
      if (!limit.ok()) return limit.status();
      question.limit = *limit;
    }
    return question;
  }

  absl::StatusOr<int> Detect(const Context& context, const Client& client, const Question& question) {
    const auto response = Query(client, question);
    if (!response.ok()) return response.status();
    if (const absl::Status known = CheckTimeScale(question.scale, response->time()); !known.ok()) return known;
    for (const v1::Spike& spike : response->spikes()) {
      if (!Print(context, question, spike, PairInForce(*response, spike.start_monotonic_ns()))) break;
    }
    if (response->spikes().empty() && !json_) context.console.Out(NoSpikesText(client, *response));
    WarnOfPast(context, client, question, *response);
    return ExitCode();
  }

  static std::string NoSpikesText(const Client& client, const v1::DetectSpikesResponse& response) {
    if (const auto targets = client.ListTargets(); targets.ok() && targets->targets().empty()) {
      return "no spikes: nothing is watched: see `hftmon attach --help`\n";
    }
    const v1::Window& window = response.window();
    const int64_t covered_ns = window.end_monotonic_ns() - window.begin_monotonic_ns();
    return fmt::format("no spikes in the last {}{}\n", FormatDuration(covered_ns), WindowNote(window, response.time()));
  }

  // Subscribes first, then asks for the past, so that no spike falls between; one that comes both ways is printed once.
  absl::StatusOr<int> Follow(const Context& context, const Client& client, const Question& question) {
    // A stream has no deadline, and opening one cannot be given up: a daemon that does not answer is found out by a call that has one.
    if (const auto answers = client.GetStatus(); !answers.ok()) return answers.status();
    v1::StreamSpikesRequest request;
    request.mutable_pids()->Add(question.pids.begin(), question.pids.end());
    request.set_threshold_ns(question.threshold_ns);
    request.set_blocked_threshold_ns(question.blocked_threshold_ns);
    absl::Status past = absl::OkStatus();
    bool in_force = false;
    ToldSpikes told;  // of the past; the stream by itself tells nothing twice
    uint64_t lost_at_start = 0;
    SpikeQuota quota(static_cast<size_t>(question.limit));
    DropNotice drops(&context.console);
    const auto print = [&](const v1::StreamSpikesResponse& message) {
      if (!in_force) {
        in_force = true;
        past = CheckTimeScale(question.scale, message.time());
        if (!past.ok()) return false;
        lost_at_start = message.lost_records();
        warned_ = SayIfOff(context, client, "spikes") || warned_;
        if (window_.empty()) Warn(WarningsOf(message), context.console);
        if (!window_.empty()) past = PrintPast(context, client, question, &quota, &told);
        if (!past.ok() || context.console.out_error() != 0 || quota.full()) return false;
      }
      warned_ = warned_ || message.lost_records() > lost_at_start;
      if (message.lost_records() > lost_at_start || message.dropped() > 0) quota.EndsMayBeLost();
      drops.Note(message.dropped(), std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1));
      const v1::Spike& spike = message.spike();
      const bool is_new = message.has_spike() && !told.Knows(spike);
      if (is_new && quota.Take(spike) && !Print(context, question, spike, message.time())) return false;
      return !quota.full();
    };
    const auto end = hftmon::Follow<v1::StreamSpikesResponse>(
        context.console, [&] { return client.StreamSpikes(request); }, print);
    drops.Finish();
    warned_ = warned_ || drops.any();
    if (!past.ok()) return past;
    if (!end.ok() || *end != kExitFine) return end;
    return ExitCode();
  }

  absl::Status PrintPast(const Context& context, const Client& client, const Question& question, SpikeQuota* quota, ToldSpikes* told) {
    const auto response = Query(client, question);
    if (!response.ok()) return response.status();
    for (const v1::Spike& spike : response->spikes()) {
      if (!quota->Take(spike)) break;
      told->Note(spike);
      if (!Print(context, question, spike, PairInForce(*response, spike.start_monotonic_ns()))) break;
    }
    WarnOfPast(context, client, question, *response);
    return absl::OkStatus();
  }

  static v1::DetectSpikesRequest RequestOf(const Question& question) {
    v1::DetectSpikesRequest request;
    request.mutable_pids()->Add(question.pids.begin(), question.pids.end());
    request.set_window_ns(question.window_ns);
    request.set_threshold_ns(question.threshold_ns);
    request.set_blocked_threshold_ns(question.blocked_threshold_ns);
    request.set_max_spikes(question.limit);
    return request;
  }
  static absl::StatusOr<v1::DetectSpikesResponse> Query(const Client& client, const Question& question) {
    return client.DetectSpikes(RequestOf(question));
  }

  bool Print(const Context& context, const Question& question, const v1::Spike& spike, const v1::TimePair& time) {
    ++printed_;
    return context.console.Out(json_ ? JsonLine(SpikeJson(spike, time))
                                     : SpikeText(spike, time, context.zone, context.console.out_style(), question.scale));
  }

  void WarnOfPast(const Context& context, const Client& client, const Question& question, const v1::DetectSpikesResponse& response) {
    v1::ListTargetsResponse targets;
    if (response.incomplete() || response.window().truncated()) {
      // Who it is about is an addition: without an answer it is left out.
      if (auto listed = client.ListTargets(); listed.ok()) targets = *std::move(listed);
    }
    v1::DetectSpikesRequest asked = RequestOf(question);
    if (window_.empty()) asked.clear_window_ns();
    Warn(WarningsOf(asked, response, targets), context.console);
  }
  void Warn(const std::vector<std::string>& warnings, Console& console) {
    PrintWarnings(console, "spikes", warnings);
    warned_ = warned_ || !warnings.empty();
  }

  int ExitCode() const {
    if (fail_on_spike_ && printed_ > 0) return kExitThreshold;
    return warned_ ? kExitWarnings : kExitFine;
  }

  std::vector<std::string> pids_;
  bool follow_ = false;
  std::string window_;
  std::string threshold_;
  std::string blocked_;
  std::string limit_;
  std::string time_;
  bool fail_on_spike_ = false;
  bool json_ = false;
  int64_t printed_ = 0;
  bool warned_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewSpikesVerb() {
  return std::make_unique<SpikesVerb>();
}

}  // namespace hftmon
