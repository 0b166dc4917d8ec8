// run: starts a command under watch, from its first instruction to its end.
//
// Order: fork (before gRPC has threads) → subscribe → attach → let the command exec → wait → ask what happened → the command's own status.
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>

#include "client/cli/child_process.h"
#include "client/cli/exit_code.h"
#include "client/cli/family_spikes.h"
#include "client/cli/render/spikes.h"
#include "client/cli/render/switches.h"
#include "client/cli/render/warnings.h"
#include "client/cli/signal_watch.h"
#include "client/cli/table.h"
#include "client/cli/target_flags.h"
#include "client/cli/verbs/verbs.h"
#include "common/counted.h"
#include "common/duration.h"
#include "common/utf8.h"

namespace hftmon {
namespace {

constexpr int kAttemptsMax = 10;
constexpr size_t kThreadsShown = 20;  // in the summary

class RunVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand("run", "start a command under watch: hftmon run [options] -- CMD…");
    flags_.Declare(*verb);
    verb->add_flag("--quiet", quiet_, "no spikes while it runs, only the summary");
    verb->add_flag("--all", all_, "every thread in the summary, not only the 20 that waited longest (--json: always)");
    verb->add_flag("--json", json_, "spikes and summary as JSON, one object a line");
    verb->footer(
        "Spikes and summary go to standard error: standard output is the command's. The exit code is the command's; 3 when it could not "
        "be\n"
        "watched (then it is not run), 127 when it was not found, 126 when it cannot be executed. What --counters or --cache counted is "
        "not\n"
        "among them: ask `hftmon cache --window all --counts` after it, before something else is counted.");
    return verb;
  }
  bool takes_command() const override { return true; }

  absl::StatusOr<int> Run(const Context& context) override {
    if (context.command.empty()) {
      return absl::InvalidArgumentError("command: none given: put it after `--`, as in `hftmon run --threshold 20us -- sleep 1`");
    }
    const auto options = flags_.Options();
    if (!options.ok()) return options.status();
    if (context.pid_namespace_of != 0) {
      return absl::InvalidArgumentError("--pid-namespace: names no process of the command's: leave it out");
    }
    const auto child = ChildProcess::Fork(context.command);
    if (!child.ok()) return child.status();
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    // Attaching first: its answer has a deadline, a stream's first message has none.
    v1::AttachRequest request;
    request.add_pids((*child)->pid());
    *request.mutable_options() = *options;
    const auto attached = (*client)->Attach(request);
    if (!attached.ok()) return attached.status();
    // From here on processes are named as answers name them. The first client stays: what it attached ends with it.
    const auto by_host_numbers = context.ConnectByHostNumbers();
    if (!by_host_numbers.ok()) return by_host_numbers.status();
    return RunAttached(context, **by_host_numbers, *options, attached->targets().empty() ? (*child)->pid() : attached->targets(0).pid(),
                       **child);
  }

 private:
  absl::StatusOr<int> RunAttached(const Context& context, const Client& client, const v1::TargetOptions& options, int32_t root_pid,
                                  ChildProcess& child) {
    std::unique_ptr<FamilySpikes> spikes;
    if (!quiet_) {
      auto started = FamilySpikes::Start(client, root_pid, options,
                                         [&](const v1::Spike& spike, const v1::TimePair& time) { PrintSpike(context, spike, time); });
      if (!started.ok()) return started.status();
      spikes = *std::move(started);
    }
    // ^C reaches the command by itself, as a member of the foreground group; what was sent to this process alone is passed on.
    auto watch = SignalWatch::Start(-1, [&child](const StopEvent& event) {
      if (!event.from_terminal) child.Signal(event.signal);
    });
    if (!watch.ok()) return watch.status();
    if (const absl::Status released = child.Release(); !released.ok()) {
      context.console.Err(fmt::format("hftmon: run: {}\n", Printable(ValidUtf8(std::string(released.message())))));
      return absl::IsNotFound(released) ? kExitNotFound : kExitNotExecutable;
    }
    child.AwaitEnd();
    watch->reset();
    // Whatever the daemon says from here on, the command has run: its status is the answer.
    if (const absl::Status told = Summarize(context, client, options, root_pid, spikes.get()); !told.ok()) {
      context.console.Err(fmt::format("hftmon: run: no summary: {}\n", std::string(told.message())));
    }
    return child.Reap();
  }

  // Asks about the processes of the command that the daemon still knows. It remembers a number of ended ones: of a command with many
  // children the first may be forgotten, and more of them at any moment, so it is asked again when one was.
  template <typename Request, typename Ask>
  static auto AskAboutFamily(const Client& client, Family* family, Request request, Ask ask) -> decltype(ask(request)) {
    for (int attempt = 1;; ++attempt) {
      const auto targets = client.ListTargets();
      if (!targets.ok()) return targets.status();
      family->Learn(*targets);
      request.clear_pids();
      for (const v1::Target& target : targets->targets()) {
        if (family->Contains(target.pid())) request.add_pids(target.pid());
      }
      // None named would mean all targets: those of strangers.
      if (request.pids().empty()) return absl::NotFoundError("the daemon no longer knows the command's processes: it watched many others");
      auto answer = ask(request);
      if (answer.ok() || !absl::IsNotFound(answer.status()) || attempt == kAttemptsMax) return answer;
    }
  }

  // What the summary may lack because the daemon watched or remembered fewer processes than there were.
  static void WarnOfBounds(const Context& context, const v1::GetStatusResponse& status) {
    for (const v1::DropCounter& drop : status.drops()) {
      if (drop.count() == 0 || (drop.name() != "forgotten_targets" && drop.name() != "refused_children")) continue;
      context.console.Err(fmt::format("hftmon: run: processes may be missing from the summary: {} {} since the daemon started: {}\n",
                                      drop.count(), drop.name(), drop.help()));
    }
  }

  absl::Status Summarize(const Context& context, const Client& client, const v1::TargetOptions& options, int32_t pid,
                         FamilySpikes* spikes) {
    Family family(pid);
    const auto switches = AskAboutFamily(client, &family, v1::QueryContextSwitchesRequest(),
                                         [&client](const auto& request) { return client.QueryContextSwitches(request); });
    if (!switches.ok()) return switches.status();
    // Its answer came after the last bucket was closed, so this one holds every spike of the command.
    v1::DetectSpikesRequest spikes_request;
    spikes_request.set_threshold_ns(options.spike_threshold_ns());
    spikes_request.set_blocked_threshold_ns(options.blocked_threshold_ns());
    const auto detected =
        AskAboutFamily(client, &family, spikes_request, [&client](const auto& request) { return client.DetectSpikes(request); });
    if (!detected.ok()) return detected.status();
    if (const auto status = client.GetStatus(); status.ok()) WarnOfBounds(context, *status);
    PrintUntold(context, *detected, spikes);
    // How many are listed is said in the summary.
    spikes_request.set_max_spikes(detected->spikes_size());
    PrintWarnings(context.console, "run", WarningsOf(spikes_request, *detected, {}));
    if (json_) {
      context.console.Err(JsonLine(SwitchesJson(*switches, false)));
    } else {
      context.console.Err("\n" + SpikesLine(*detected) + SwitchesText(*switches, all_ ? 0 : kThreadsShown));
    }
    return absl::OkStatus();
  }

  // Spikes that the stream did not tell: those that ended too late for it, or that were dropped.
  void PrintUntold(const Context& context, const v1::DetectSpikesResponse& detected, FamilySpikes* spikes) {
    if (spikes == nullptr) return;
    const StreamEnd end = spikes->Stop();
    if (!end.status.ok()) {
      context.console.Err(fmt::format("hftmon: run: the stream of spikes broke: {}\n", std::string(end.status.message())));
    }
    if (end.dropped > 0)
      context.console.Err(fmt::format("hftmon: run: {} dropped while printing\n", Counted(end.dropped, "spike was", "spikes were")));
    for (const v1::Spike& spike : detected.spikes()) {
      if (!end.told.Knows(spike)) PrintSpike(context, spike, PairInForce(detected, spike.start_monotonic_ns()));
    }
  }

  void PrintSpike(const Context& context, const v1::Spike& spike, const v1::TimePair& time) const {
    context.console.Err(json_ ? JsonLine(SpikeJson(spike, time)) : SpikeText(spike, time, context.zone, context.console.err_style()));
  }

  static std::string SpikesLine(const v1::DetectSpikesResponse& detected) {
    int64_t longest_ns = 0;
    for (const v1::Spike& spike : detected.spikes()) longest_ns = std::max(longest_ns, spike.duration_ns());
    std::string line = Counted(static_cast<uint64_t>(detected.spikes_size()), "spike");
    if (longest_ns > 0) line += ", the longest " + FormatDuration(longest_ns);
    if (detected.older_left_out()) line = "More spikes than a summary lists; of the newest: " + line;
    return line + "\n";
  }

  TargetFlags flags_;
  bool quiet_ = false;
  bool all_ = false;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewRunVerb() {
  return std::make_unique<RunVerb>();
}

}  // namespace hftmon
