// sharing: which cache lines a process's threads take from each other, and where its loads are served.
#include <fmt/format.h>

#include "client/cli/exit_code.h"
#include "client/cli/option_values.h"
#include "client/cli/render/sharing.h"
#include "client/cli/render/warnings.h"
#include "client/cli/verbs/verbs.h"

namespace hftmon {
namespace {

constexpr DurationRange kForRange{1'000'000, 60'000'000'000, "1ms to 60s"};
constexpr int32_t kLatencyMaxCycles = 65'535;
constexpr int32_t kPeriodMax = INT32_MAX;
constexpr int32_t kLinesMax = 1'000;

absl::StatusOr<v1::LineOrder> ParseOrder(const std::string& text) {
  if (text == "cycles") return v1::LINE_ORDER_CYCLES;
  if (text == "remote") return v1::LINE_ORDER_REMOTE;
  if (text == "total") return v1::LINE_ORDER_TOTAL;
  return absl::InvalidArgumentError(fmt::format("--order {}: there is none such: give cycles, remote or total", text));
}

class SharingVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand(
        "sharing",
        "cache lines that a process's threads take from each other (false sharing), and where its loads are served, by sampling");
    verb->add_option("-p,--pid,pid", pids_, "the process id of a target");
    verb->add_option("--for", duration_, "how long, 1ms to 60s")->capture_default_str();
    verb->add_option("--latency", latency_, "sample loads that take so many cycles or more (Intel; default: 30)");
    verb->add_option("--period", period_, "sample one in so many: such loads, and stores; on AMD cycles (default: 10007)");
    verb->add_option("--order", order_, "of the lines: by estimated cycles, remote HITM or total HITM")->capture_default_str();
    verb->add_option("--lines", lines_, "the first so many, 1 to 1000 (default: 20)");
    verb->add_flag("--json", json_, "print one JSON object");
    verb->footer(
        "Each sample interrupts the thread that made the access, for about a microsecond, and the answer says how many there were: a "
        "larger\n--period costs less. Refused with the reason in quiet mode, and where the processor samples no accesses "
        "(`hftmon doctor`: sharing).\n"
        "A line is listed where another core had it modified (HITM). Sharing is false where the threads use different words of it: give "
        "each\nits own line. Cycles are estimated: the latency of each contended sample times the events that it stands for. Places of "
        "code "
        "and\ndata are offsets in their files, as /proc/PID/maps has them.\n"
        "Exit code 1: something keeps the answer from being the whole truth, and is said: losses, threads that were not sampled, no "
        "sample.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    const absl::StatusOr<v1::SampleAccessesRequest> request = Request();
    if (!request.ok()) return request.status();
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    const auto response = (*client)->SampleAccesses(*request);
    if (!response.ok()) return response.status();
    const absl::StatusOr<SharingAnswer> answer = SharingAnswerOf(*response);
    if (!answer.ok()) return answer.status();
    context.console.Out(json_ ? JsonLine(SharingJson(*response, *answer)) : SharingText(*response, *answer));
    const std::vector<std::string> warnings = WarningsOf(*response);
    PrintWarnings(context.console, "sharing", warnings);
    return warnings.empty() ? kExitFine : kExitWarnings;
  }

 private:
  absl::StatusOr<v1::SampleAccessesRequest> Request() const {
    v1::SampleAccessesRequest request;
    const auto pids = ParseIds("pid", pids_);
    if (!pids.ok()) return pids.status();
    if (pids->size() != 1) {
      return absl::InvalidArgumentError(
          fmt::format("pid: {} are named: give the process id of one target (see `hftmon targets`)", pids->size()));
    }
    request.set_pid(pids->front());
    const auto duration_ns = ParseDurationOption("--for", duration_, kForRange);
    if (!duration_ns.ok()) return duration_ns.status();
    request.set_duration_ns(*duration_ns);
    const auto order = ParseOrder(order_);
    if (!order.ok()) return order.status();
    request.set_order(*order);
    const auto number = [](const char* option, const std::string& text, int32_t max) -> absl::StatusOr<int32_t> {
      return text.empty() ? absl::StatusOr<int32_t>(0) : ParseCount(option, text, 1, max);
    };
    const auto latency = number("--latency", latency_, kLatencyMaxCycles);
    if (!latency.ok()) return latency.status();
    request.set_load_latency_cycles(static_cast<uint32_t>(*latency));
    const auto period = number("--period", period_, kPeriodMax);
    if (!period.ok()) return period.status();
    request.set_period(static_cast<uint64_t>(*period));
    const auto lines = number("--lines", lines_, kLinesMax);
    if (!lines.ok()) return lines.status();
    request.set_max_lines(*lines);
    return request;
  }

  std::vector<std::string> pids_;
  std::string duration_ = "1s";
  std::string latency_;
  std::string period_;
  std::string order_ = "cycles";
  std::string lines_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewSharingVerb() {
  return std::make_unique<SharingVerb>();
}

}  // namespace hftmon
