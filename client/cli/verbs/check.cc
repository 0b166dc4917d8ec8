// check: an audit of a process, of CPUs or of an interface, with a verdict for scripts.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>

#include "client/check/check_baseline.h"
#include "client/check/check_report.h"
#include "client/cli/check_format.h"
#include "client/cli/check_gathering.h"
#include "client/cli/exit_code.h"
#include "client/cli/option_values.h"
#include "client/cli/own_cpus.h"
#include "client/cli/private_daemon.h"
#include "client/cli/stop_wait.h"
#include "client/cli/verbs/verbs.h"
#include "common/cpu_list.h"
#include "common/duration.h"

namespace hftmon {
namespace {

constexpr DurationRange kCheckRange{100'000'000, 3'600'000'000'000, "100ms to 1h"};
constexpr size_t kFileBytesMax = 16 << 20;

absl::StatusOr<std::string> ReadWholeFile(const std::string& option, const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.is_open())
    return absl::InvalidArgumentError(fmt::format("{} {}: {}: name a file that can be read", option, path, strerror(errno)));
  if (text.size() > kFileBytesMax)
    return absl::InvalidArgumentError(fmt::format("{} {}: larger than 16 MiB: it is no such file", option, path));
  return text;
}

absl::Status Prefixed(const std::string& prefix, const absl::Status& status) {
  return absl::Status(status.code(), prefix + ": " + std::string(status.message()));
}

class CheckVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand("check", "audit a process, CPUs or an interface: PASS, WARN or FAIL, for scripts");
    verb->add_option("-p,--pid", pids_, "processes, a list");
    verb->add_option("-t,--tid", tids_, "of these the threads to judge, a list (default: those that are bound to CPUs; without any, all)");
    verb->add_option("--cpus", cpus_, "CPUs, e.g. 2-5,8: what runs and what interrupts there");
    verb->add_option("--interface", interface_, "a network interface: of packets, its own alone");
    verb->add_option(
        "--module", modules_,
        "isolation, irq, memory, syscall, network, a list (default: with -p all; with --cpus isolation, irq, network; else network)");
    verb->add_option("--duration", duration_, "how long, 100ms to 1h")->capture_default_str();
    verb->add_option("--format", format_, "text, json or junit")->capture_default_str();
    verb->add_flag("--json", json_, "as --format json");
    verb->add_option("--output", output_, "write the report there in the --format, and print it as text");
    verb->add_option("--thresholds", thresholds_, "a JSON file of the limits below, {\"max_runqueue\": \"20us\"}; flags go before it");
    verb->add_option("--baseline", baseline_, "a report of an earlier run (--format json): what became worse since is a failure");
    for (const CheckLimit& limit : AllCheckLimits()) {
      const std::string most = limit.is_duration ? FormatDuration(limit.default_value) : std::to_string(limit.default_value);
      verb->add_option(FlagOf(limit), limits_[limit.name],
                       fmt::format("{}: {}, at most (default {})", NameOf(limit.module), limit.help, most))
          ->group("Limits");
    }
    verb->footer(
        "FAIL: a figure exceeds its limit. WARN: it is above 80 % of it, could not be measured, or records were lost. Exit code: 0 all "
        "PASS, "
        "1 a WARN,\n2 a FAIL, 3 error, 130 interrupted (^C; what was seen until then is reported). Where no hftmond listens on its usual "
        "socket a private one\nis started for the time of the check, which takes root. hftmon and a private hftmond keep off the checked "
        "CPUs "
        "where there are others.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    auto question = Question();
    if (!question.ok()) return question.status();
    const auto format = ParseCheckFormat(json_ ? "json" : format_);
    if (!format.ok()) return format.status();
    const auto baseline = Baseline();
    if (!baseline.ok()) return baseline.status();
    auto stop = StopWait::Start(-1);
    if (!stop.ok()) return stop.status();
    const auto wait = [&stop](int64_t monotonic_ns) { return !(*stop)->WaitUntil(monotonic_ns); };
    const std::vector<int> kept_free = KeptFree(*question);
    Context own = context;
    std::unique_ptr<PrivateDaemon> daemon;
    if (context.server == kDefaultServerAddress && PrivateDaemon::IsWanted(context.server)) {
      auto started = PrivateDaemon::Start({.kept_free_cpus = kept_free, .program = "", .wait = wait});
      if (absl::IsCancelled(started.status())) return Cancelled(context, started.status(), (*stop)->signal());
      if (!started.ok()) return started.status();
      daemon = *std::move(started);
      own.server = daemon->address();
    }
    const KeptOff kept_off(kept_free);  // before gRPC has threads
    auto report = Gather(own, *std::move(question), wait);
    if (!report.ok()) return report.status();
    report->private_daemon = daemon != nullptr;
    if (baseline->has_value()) CompareWithBaseline(**baseline, &*report);
    if (const absl::Status printed = Print(context, *report, *format); !printed.ok()) return printed;
    return report->interrupted ? kExitSignalBase + (*stop)->signal() : report->exit_code();
  }

 private:
  static absl::StatusOr<int> Cancelled(const Context& context, const absl::Status& status, int signal) {
    context.console.Err(fmt::format("hftmon: check: {}\n", std::string(status.message())));
    return kExitSignalBase + signal;
  }

  static absl::StatusOr<CheckReport> Gather(const Context& context, CheckQuestion question, const CheckGathering::Wait& wait) {
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    const auto by_host_numbers = context.ConnectByHostNumbers();
    if (!by_host_numbers.ok()) return by_host_numbers.status();
    const CheckLimits limits = question.limits;
    CheckGathering gathering(**client, **by_host_numbers, std::move(question));
    if (const absl::Status attached = gathering.Attach(); !attached.ok()) return attached;
    const auto gathered = gathering.Run(wait);
    if (!gathered.ok()) return gathered.status();
    CheckReport report = MakeReport(gathered->inputs, gathered->segments, limits);
    report.time = gathered->time;
    return report;
  }

  absl::StatusOr<CheckQuestion> Question() const {
    CheckQuestion question;
    auto pids = ParseIds("--pid", pids_);
    if (!pids.ok()) return pids.status();
    auto tids = ParseIds("--tid", tids_);
    if (!tids.ok()) return tids.status();
    auto cpus = ParseCpuList(cpus_);
    if (!cpus.ok()) return Prefixed("--cpus", cpus.status());
    if (pids->empty() && cpus->empty() && interface_.empty()) {
      return absl::InvalidArgumentError("nothing to check: give -p PID, --cpus LIST or --interface NAME");
    }
    if (pids->empty() && !tids->empty()) return absl::InvalidArgumentError("--tid: of which process: give -p PID too");
    question.pids = *std::move(pids);
    question.tids = *std::move(tids);
    question.cpus = *std::move(cpus);
    question.interface = interface_;
    const auto duration_ns = ParseDurationOption("--duration", duration_, kCheckRange);
    if (!duration_ns.ok()) return duration_ns.status();
    question.duration_ns = *duration_ns;
    question.online_cpu_count = static_cast<int>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
    if (const absl::Status status = AddModules(&question); !status.ok()) return status;
    if (const absl::Status status = AddLimits(&question.limits); !status.ok()) return status;
    return question;
  }

  // What can be asked of what is checked.
  static std::set<CheckModule> ModulesFor(const CheckQuestion& question) {
    if (!question.pids.empty()) return {kCheckModules.begin(), kCheckModules.end()};
    if (!question.cpus.empty()) return {CheckModule::kIsolation, CheckModule::kIrq, CheckModule::kNetwork};
    return {CheckModule::kNetwork};
  }

  absl::Status AddModules(CheckQuestion* question) const {
    const std::set<CheckModule> possible = ModulesFor(*question);
    for (const std::string& name : SplitLists(modules_)) {
      const auto* module =
          std::find_if(kCheckModules.begin(), kCheckModules.end(), [&name](CheckModule each) { return name == NameOf(each); });
      if (module == kCheckModules.end()) {
        return absl::InvalidArgumentError(fmt::format("--module {}: write isolation, irq, memory, syscall or network", name));
      }
      if (!possible.contains(*module)) {
        return absl::InvalidArgumentError(
            fmt::format("--module {}: it is of {}", name,
                        question->cpus.empty() ? "a process or CPUs: give -p or --cpus too" : "a process: give -p too"));
      }
      question->modules.insert(*module);
    }
    if (modules_.empty()) question->modules = possible;
    return absl::OkStatus();
  }

  absl::Status AddLimits(CheckLimits* limits) const {
    if (!thresholds_.empty()) {
      const auto text = ReadWholeFile("--thresholds", thresholds_);
      if (!text.ok()) return text.status();
      if (const absl::Status status = limits->SetFromJson(*text); !status.ok()) return Prefixed("--thresholds " + thresholds_, status);
    }
    for (const CheckLimit& limit : AllCheckLimits()) {
      const std::string& text = limits_.at(limit.name);
      if (text.empty()) continue;
      if (const absl::Status status = limits->Set(limit, text); !status.ok()) return Prefixed(FlagOf(limit), status);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::optional<CheckSeries>> Baseline() const {
    if (baseline_.empty()) return std::optional<CheckSeries>();
    const auto text = ReadWholeFile("--baseline", baseline_);
    if (!text.ok()) return text.status();
    auto series = ReadBaseline(*text);
    if (!series.ok()) return Prefixed("--baseline " + baseline_, series.status());
    return std::optional<CheckSeries>(*std::move(series));
  }

  static std::vector<int> KeptFree(const CheckQuestion& question) {
    return question.cpus.empty() ? CpusOfBoundThreads(question.pids) : question.cpus;
  }

  absl::Status Print(const Context& context, const CheckReport& report, CheckFormat format) const {
    if (output_.empty()) {
      context.console.Out(RenderCheck(report, format, context.console.out_style()));
      return absl::OkStatus();
    }
    errno = 0;
    std::ofstream file(output_, std::ios::binary | std::ios::trunc);
    file << RenderCheck(report, format, TextStyle{});
    file.close();
    context.console.Out(RenderCheck(report, CheckFormat::kText, context.console.out_style()));
    if (file.good()) return absl::OkStatus();
    return absl::UnavailableError(
        fmt::format("--output {}: {}: the report is not there whole: name a file that can be written", output_, strerror(errno)));
  }

  std::vector<std::string> pids_;
  std::vector<std::string> tids_;
  std::string cpus_;
  std::string interface_;
  std::vector<std::string> modules_;
  std::string duration_ = "10s";
  std::string format_ = "text";
  std::string output_;
  std::string thresholds_;
  std::string baseline_;
  bool json_ = false;
  std::map<std::string, std::string> limits_;  // by name, as written; empty: not given
};

}  // namespace

std::unique_ptr<Verb> NewCheckVerb() {
  return std::make_unique<CheckVerb>();
}

}  // namespace hftmon
