// record: what happens, or happened, to watched threads, into a file that `export` reads.
#include <fmt/format.h>

#include <algorithm>

#include "absl/strings/numbers.h"
#include "client/cli/exit_code.h"
#include "client/cli/option_values.h"
#include "client/cli/record/file_bytes.h"
#include "client/cli/record/recorder.h"
#include "client/cli/render/warnings.h"
#include "client/cli/verbs/verbs.h"
#include "common/duration.h"

namespace hftmon {
namespace {

constexpr DurationRange kContextRange{1'000, 10'000'000'000, "1us to 10s"};
constexpr DurationRange kRecordRange{1'000'000, 24LL * 3600 * 1'000'000'000, "1ms to 24h"};
constexpr int32_t kSpikesMax = 100'000;

class RecordVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb =
        app.add_subcommand("record", "record what happens to the threads of a process, or what is kept of it, into a file for `export`");
    verb->add_option("-p,--pid", pids_, "process ids of targets, a list (default: all)");
    verb->add_option("-o,--output", output_, "the file, or - for standard output; what it held before is gone")->required();
    auto* duration = verb->add_option("--duration", duration_, "from now on for so long (default: until ^C)");
    auto* window = verb->add_option("--window", window_, "without waiting: the last so long of what is kept, or `all` (a minute at most)");
    auto* around = verb->add_option("--around", around_, "without waiting: the moments around the spike of this id");
    verb->add_option("--context", context_, "how much before it and after it (default: 10ms)")->needs(around);
    verb->add_option("--blocked", blocked_, "also sleeping and blocking longer than this as spikes");
    duration->excludes(window)->excludes(around);
    window->excludes(around);
    verb->footer(
        "Recorded are the daemon's answers: timelines of the threads, spikes with causes and stacks, switches with wakers, sums of "
        "operations\n"
        "and interrupts, and with --duration or until ^C metrics, ten times a second. It is at most 2 GiB long, and ends there. A recorder "
        "that\n"
        "is killed leaves a file that tells all until then.\n"
        "Exit code 1: something is missing in it, and is said, here and in each export; 130: ended by ^C, the file is whole.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    Recorder::Question question{.recorder_version = HFTMON_VERSION};
    auto pids = ParseIds("--pid", pids_);
    if (!pids.ok()) return pids.status();
    question.pids = *std::move(pids);
    if (!blocked_.empty()) {
      const auto blocked_ns = ParseDurationOption("--blocked", blocked_, kPastBlockedRange);
      if (!blocked_ns.ok()) return blocked_ns.status();
      question.blocked_threshold_ns = *blocked_ns;
    }
    if (const absl::Status read = ReadTimes(); !read.ok()) return read;
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    // Asked before the file is made: a daemon that does not answer leaves what it held.
    const auto span = SpanToRecord(**client, question.pids);
    if (!span.ok()) return span.status();
    return output_ == "-" ? RecordToOutput(context, **client, question, *span) : RecordToFile(context, **client, question, *span);
  }

 private:
  // Of what is kept; both 0: from now on.
  struct Span {
    bool kept = false;
    int64_t begin_ns = 0;
    int64_t end_ns = 0;
  };

  absl::Status ReadTimes() {
    if (!duration_.empty()) {
      const auto duration_ns = ParseDurationOption("--duration", duration_, kRecordRange);
      if (!duration_ns.ok()) return duration_ns.status();
      duration_ns_ = *duration_ns;
    }
    if (!window_.empty()) {
      const auto window_ns = ParseWindow(window_);
      if (!window_ns.ok()) return window_ns.status();
      window_ns_ = *window_ns;
    }
    const auto context_ns = ParseDurationOption("--context", context_.empty() ? "10ms" : context_, kContextRange);
    if (!context_ns.ok()) return context_ns.status();
    context_ns_ = *context_ns;
    if (!around_.empty() && !absl::SimpleAtoi(around_, &spike_id_)) {
      return absl::InvalidArgumentError(fmt::format("--around '{}': no id of a spike: give one that `hftmon spikes --json` has", around_));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Span> SpanToRecord(const Client& client, const std::vector<int32_t>& pids) const {
    const auto status = client.GetStatus();
    if (!status.ok()) return status.status();
    const int64_t now_ns = status->time().monotonic_ns();
    if (!pids.empty() && around_.empty()) {
      v1::DetectSpikesRequest known;  // a process that is no target is refused now, while the file has what it had
      known.mutable_pids()->Add(pids.begin(), pids.end());
      known.set_window_ns(1);
      known.set_max_spikes(1);
      if (const auto asked = client.DetectSpikes(known); !asked.ok()) return asked.status();
    }
    if (!window_.empty()) {
      return Span{.kept = true, .begin_ns = window_ns_ == 0 ? 0 : std::max<int64_t>(1, now_ns - window_ns_), .end_ns = now_ns};
    }
    if (around_.empty()) return Span{};
    v1::DetectSpikesRequest request;
    request.mutable_pids()->Add(pids.begin(), pids.end());
    request.set_blocked_threshold_ns(1);
    request.set_max_spikes(kSpikesMax);
    const auto spikes = client.DetectSpikes(request);
    if (!spikes.ok()) return spikes.status();
    for (const v1::Spike& spike : spikes->spikes()) {
      if (spike.id() != spike_id_) continue;
      return Span{.kept = true,
                  .begin_ns = std::max<int64_t>(1, spike.start_monotonic_ns() - context_ns_),
                  .end_ns = spike.start_monotonic_ns() + spike.duration_ns() + context_ns_};
    }
    return absl::NotFoundError(
        fmt::format("--around {}: no such spike is kept: `hftmon spikes --window all` lists those that are", spike_id_));
  }

  absl::StatusOr<int> RecordToFile(const Context& context, const Client& client, const Recorder::Question& question, const Span& span) {
    auto file = WrittenFile::Create(output_);
    if (!file.ok()) return file.status();
    PartSink sink([&file](std::string_view bytes) { return (*file)->Write(bytes); });
    auto exit_code = Record(context, client, question, span, &sink);
    if (const absl::Status closed = (*file)->Close(); !closed.ok() && exit_code.ok()) return closed;
    return exit_code;
  }
  absl::StatusOr<int> RecordToOutput(const Context& context, const Client& client, const Recorder::Question& question, const Span& span) {
    if (context.console.out_width() > 0) {
      return absl::InvalidArgumentError("-o -: standard output is a terminal, and a recording is no text: name a file");
    }
    PartSink sink([&context](std::string_view bytes) {
      return context.console.Out(std::string(bytes)) ? absl::OkStatus()
                                                     : absl::UnavailableError("standard output: nobody reads it any more");
    });
    return Record(context, client, question, span, &sink);
  }

  absl::StatusOr<int> Record(const Context& context, const Client& client, const Recorder::Question& question, const Span& span,
                             PartSink* sink) {
    Recorder recorder(client, question, sink);
    int exit_code = kExitFine;
    if (span.kept) {
      if (const absl::Status recorded = recorder.RecordKept(span.begin_ns, span.end_ns); !recorded.ok()) return recorded;
    } else {
      const auto followed = recorder.Follow(context.console, duration_ns_);
      if (!followed.ok()) return followed.status();
      exit_code = *followed;
    }
    const std::string said = fmt::format("recorded {} to {}: {} bytes\n", FormatDuration(recorder.recorded_ns()),
                                         output_ == "-" ? "standard output" : output_, sink->written_bytes());
    output_ == "-" ? context.console.Err("hftmon: record: " + said) : static_cast<void>(context.console.Out(said));
    PrintWarnings(context.console, "record", recorder.warnings());
    if (exit_code != kExitFine) return exit_code;
    return recorder.warnings().empty() ? kExitFine : kExitWarnings;
  }

  std::vector<std::string> pids_;
  std::string output_;
  std::string duration_;
  std::string window_;
  std::string around_;
  std::string context_;
  std::string blocked_;
  int64_t duration_ns_ = 0;
  int64_t window_ns_ = 0;
  int64_t context_ns_ = 0;
  uint64_t spike_id_ = 0;
};

}  // namespace

std::unique_ptr<Verb> NewRecordVerb() {
  return std::make_unique<RecordVerb>();
}

}  // namespace hftmon
