// irqs: what interrupts took from watched threads and on each CPU.
#include <algorithm>
#include <set>

#include "client/cli/exit_code.h"
#include "client/cli/interrupts_between.h"
#include "client/cli/off_notice.h"
#include "client/cli/option_values.h"
#include "client/cli/pause.h"
#include "client/cli/render/interrupt_lines.h"
#include "client/cli/render/interrupts.h"
#include "client/cli/render/warnings.h"
#include "client/cli/thread_flags.h"
#include "client/cli/verbs/verbs.h"
#include "common/counted.h"
#include "common/cpu_list.h"
#include "common/duration.h"

namespace hftmon {
namespace {

constexpr DurationRange kPastRange{1, kWindowRange.max_ns, "1ns to 366d"};

class IrqsVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand("irqs", "what interrupts took from watched threads, and on each CPU");
    threads_.Declare(*verb);
    verb->add_option("--cpus", cpus_, "CPUs, e.g. 2-5,8 (default: all that had interrupts)");
    verb->add_option("--for", duration_,
                     "ask twice, so far apart (10ms to 1h), and print the difference with its rates (default: ask once)");
    verb->add_option("--window", window_,
                     "also what interrupts took from each thread in the last so long, ended threads too, by level (default: none)");
    verb->add_flag("--coalescing", coalescing_,
                   "also print how many packets or completions each device makes one interrupt of, and its settings");
    verb->add_flag("--affinity", affinity_,
                   "also print where each device interrupt may be sent, and which reserved CPUs and bound threads it hits");
    verb->add_flag("--json", json_, "print one JSON object");
    verb->footer(
        "Threads: since watching of each began; CPUs: since the daemon started; with --for both of that time alone (^C ends it); how long "
        "each "
        "device's handler and softirq ran (p50, p99, worst) and what was put off (softirqs, works, tasklets, interrupts' threads): since "
        "the "
        "daemon started, while a target was attached with --probes irq; "
        "--coalescing: since the kernel counts, with --for of that time; --window alone is of the window. Times are "
        "between the kernel's entry and exit of a "
        "handler. --affinity: reserved CPUs are isolated, without a tick, or audited by a rule; bound threads may run on fewer CPUs than "
        "are online.\n"
        "Exit code 1: threads were not watched, or some of what --affinity or --coalescing tells could not be read.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    v1::QueryInterruptsRequest request;
    if (const absl::Status status = threads_.AddTo(&request); !status.ok()) return status;
    if (!cpus_.empty()) {
      const auto cpus = ParseCpuList(cpus_);
      if (!cpus.ok()) return cpus.status();
      request.mutable_cpus()->Add(cpus->begin(), cpus->end());
    }
    request.set_with_lines(affinity_ && duration_.empty());
    request.set_with_coalescing(coalescing_);
    if (!window_.empty()) {
      if (!duration_.empty())
        return absl::InvalidArgumentError("--window is of the time before, --for of the time from now on: give one of them");
      const auto window_ns = ParseDurationOption("--window", window_, kPastRange);
      if (!window_ns.ok()) return window_ns.status();
      request.set_window_ns(*window_ns);
    }
    int64_t duration_ns = 0;
    if (!duration_.empty()) {
      const auto parsed = ParseDurationOption("--for", duration_, kPeriodRange);
      if (!parsed.ok()) return parsed.status();
      duration_ns = *parsed;
    }
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    const auto response = (*client)->QueryInterrupts(request);
    if (!response.ok()) return response.status();
    if (duration_ns > 0) return Between(context, **client, request, *response, duration_ns);
    context.console.Out(json_ ? JsonLine(WithLines(InterruptsJson(*response), *response))
                              : InterruptsText(*response) + InterruptLinesText(*response, affinity_));
    const bool off = SayIfOff(context, **client, "irqs");
    const int exit_code = Warn(context, WarningsOf(*response));
    return off ? kExitWarnings : exit_code;
  }

 private:
  absl::StatusOr<int> Between(const Context& context, const Client& client, const v1::QueryInterruptsRequest& request,
                              const v1::QueryInterruptsResponse& first, int64_t duration_ns) const {
    const auto before = client.GetStatus();
    if (!before.ok()) return before.status();
    const auto signal = Pause(context.console, duration_ns);
    if (!signal.ok()) return signal.status();
    // Of all threads: to ask for one that has ended meanwhile is an error, and the others' figures would go with it.
    v1::QueryInterruptsRequest again = request;
    again.clear_tids();
    auto second = client.QueryInterrupts(again);
    if (!second.ok()) return second.status();
    const std::set<int32_t> wanted = request.tids().empty() ? std::set<int32_t>() : TidsOf(first);
    KeepThreads(wanted, &*second);
    if (const absl::Status status = AddLines(context, client, request, wanted, &*second); !status.ok()) return status;
    const auto after = client.GetStatus();
    if (!after.ok()) return after.status();
    if (after->daemon().pid() != before->daemon().pid() || after->daemon().uptime_ns() < before->daemon().uptime_ns()) {
      return absl::UnavailableError("hftmond was restarted meanwhile: two daemons' figures have no difference: ask again");
    }
    const auto attached_pids = AttachedSince(client, first.time().monotonic_ns());
    if (!attached_pids.ok()) return attached_pids.status();
    const InterruptsSpan span = InterruptsBetween(first, *second, *attached_pids);
    context.console.Out(json_ ? JsonLine(WithLines(InterruptsJson(span), span.between))
                              : InterruptsText(span) + InterruptLinesText(span.between, affinity_));
    std::vector<std::string> warnings = WarningsOf(*second);
    if (span.lost_thread_count > 0) {
      warnings.push_back(Counted(span.lost_thread_count, "thread") +
                         " ended, or was watched no more for a while: what interrupts took from them then is in no thread's figure");
    }
    if (span.lost_cpu_count > 0) {
      warnings.push_back(Counted(span.lost_cpu_count, "CPU's figures", "CPUs' figures") +
                         " began anew meanwhile and are left out: was hftmond restarted? Ask again");
    }
    if (span.lost_device_count > 0) {
      warnings.push_back(Counted(span.lost_device_count, "device") + " came, went or began to count anew meanwhile: left out");
    }
    if (const int64_t off_ns = after->operation().off_total_ns() - before->operation().off_total_ns(); off_ns > 0) {
      warnings.push_back("the programs were off for " + FormatDuration(off_ns) +
                         " meanwhile (`hftmon off`): no interrupt of that time is counted, so rates and shares are too low");
    }
    const int exit_code = Warn(context, warnings);
    return *signal != 0 ? kExitSignalBase + *signal : exit_code;
  }

  static absl::StatusOr<std::set<int32_t>> AttachedSince(const Client& client, int64_t monotonic_ns) {
    const auto targets = client.ListTargets();
    if (!targets.ok()) return targets.status();
    std::set<int32_t> pids;
    for (const v1::Target& target : targets->targets()) {
      if (target.attached_monotonic_ns() > monotonic_ns) pids.insert(target.pid());
    }
    return pids;
  }

  // As answers name them, whatever numbers they were asked for by.
  static std::set<int32_t> TidsOf(const v1::QueryInterruptsResponse& response) {
    std::set<int32_t> tids;
    for (const v1::ThreadInterrupts& thread : response.threads()) tids.insert(thread.thread().tid());
    return tids;
  }

  static absl::StatusOr<v1::QueryInterruptsResponse> AskOfThreads(const Context& context, const std::set<int32_t>& tids,
                                                                  v1::QueryInterruptsRequest request) {
    const auto by_host_numbers = context.ConnectByHostNumbers();
    if (!by_host_numbers.ok()) return by_host_numbers.status();
    request.clear_pids();
    request.mutable_tids()->Assign(tids.begin(), tids.end());
    return (*by_host_numbers)->QueryInterrupts(request);
  }

  // Asked of the threads that are still there alone: of all that are hit the daemon names the first only.
  absl::Status AddLines(const Context& context, const Client& client, v1::QueryInterruptsRequest request, const std::set<int32_t>& wanted,
                        v1::QueryInterruptsResponse* response) const {
    if (!affinity_) return absl::OkStatus();
    request.set_with_lines(true);
    request.set_with_coalescing(false);
    request.clear_tids();
    const std::set<int32_t> there = wanted.empty() ? std::set<int32_t>() : TidsOf(*response);
    auto answer = there.empty() ? client.QueryInterrupts(request) : AskOfThreads(context, there, request);
    if (absl::IsNotFound(answer.status())) {  // one of them ended in between
      response->set_lines_unavailable(std::string(answer.status().message()));
      return absl::OkStatus();
    }
    if (!answer.ok()) return answer.status();
    KeepThreads(wanted, &*answer);  // none of them is left
    response->mutable_lines()->Swap(answer->mutable_lines());
    response->set_lines_unavailable(answer->lines_unavailable());
    response->set_unread_thread_count(answer->unread_thread_count());
    response->set_unread_line_count(answer->unread_line_count());
    return absl::OkStatus();
  }

  Json WithLines(Json json, const v1::QueryInterruptsResponse& response) const {
    if (affinity_) json.update(InterruptLinesJson(response));
    return json;
  }

  // An empty list keeps all.
  static void KeepThreads(const std::set<int32_t>& tids, v1::QueryInterruptsResponse* response) {
    if (tids.empty()) return;
    auto* threads = response->mutable_threads();
    threads->erase(std::remove_if(threads->begin(), threads->end(),
                                  [&tids](const v1::ThreadInterrupts& thread) { return !tids.contains(thread.thread().tid()); }),
                   threads->end());
    for (v1::InterruptLine& line : *response->mutable_lines()) {
      auto* hits = line.mutable_hit_threads();
      hits->erase(
          std::remove_if(hits->begin(), hits->end(), [&tids](const v1::BoundThread& hit) { return !tids.contains(hit.thread().tid()); }),
          hits->end());
      line.set_hit_thread_count(static_cast<uint64_t>(hits->size()));
    }
  }

  static int Warn(const Context& context, const std::vector<std::string>& warnings) {
    PrintWarnings(context.console, "irqs", warnings);
    return warnings.empty() ? kExitFine : kExitWarnings;
  }

  ThreadFlags threads_;
  std::string cpus_;
  std::string duration_;
  std::string window_;
  bool affinity_ = false;
  bool coalescing_ = false;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewIrqsVerb() {
  return std::make_unique<IrqsVerb>();
}

}  // namespace hftmon
