// numa: the host's memory nodes, what is attached to which, and on which of them the memory of targets lies.
#include "client/cli/render/numa.h"
#include "client/cli/render/numa_matrix.h"

#include <fmt/format.h>

#include "client/cli/exit_code.h"
#include "client/cli/option_values.h"
#include "client/cli/render/warnings.h"
#include "client/cli/verbs/verbs.h"

namespace hftmon {
namespace {

constexpr int32_t kPagesMax = 65'536;
constexpr DurationRange kGrowthRange{100'000'000, 60'000'000'000, "100ms to 1m"};

absl::StatusOr<v1::HeatMapResolution> ParseResolution(const std::string& text) {
  if (text == "none") return v1::HEAT_MAP_RESOLUTION_UNSPECIFIED;
  if (text == "node") return v1::HEAT_MAP_RESOLUTION_NODE;
  if (text == "page") return v1::HEAT_MAP_RESOLUTION_PAGE;
  if (text == "cache_line") return v1::HEAT_MAP_RESOLUTION_CACHE_LINE;
  return absl::InvalidArgumentError(fmt::format("--heat-map {}: there is none such: give node, page or cache_line", text));
}

class NumaVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand("numa", "memory nodes, the node of each device, and on which nodes the memory of targets lies");
    verb->add_option("-p,--pid", pids_, "process ids of targets, a list (default: all targets)");
    verb->add_flag("--exact", exact_, "every page, with policies and huge pages: holds up the process's memory calls, 26 ms a GiB");
    verb->add_option(
        "--pages", pages_,
        "look at so many pages of each process's mappings, 1 to 65536 (default: 4096); of ranges that it names 1024 each come beside them");
    verb->add_option("--heat-map", resolution_, "draw one: by node, page or cache_line (of what `hftmon sharing` sampled last)")
        ->capture_default_str();
    verb->add_option("--bandwidth", bandwidth_, "for so long also: what memory controllers, links and groups of resctrl move, e.g. 1s");
    verb->add_option("--growth", growth_, "with one -p: for so long, which code touches new memory, and which mappings grow; 100ms to 1m");
    verb->add_flag("--measure", measure_, "instead: latency and bandwidth from each node's CPUs to each node's memory, measured now")
        ->excludes("--pid", "--exact", "--pages", "--heat-map", "--bandwidth", "--growth");
    verb->add_flag("--json", json_, "print one JSON object");
    verb->footer(
        "Nothing is moved. Some pages of each mapping are looked at, 16 at a time with a pause of 1 ms between (4096 in 0.3 s); the answer "
        "says\n"
        "what that cost. Shares are estimated within the printed interval (95 %), of the pages that are there. Of processes of up to 32 "
        "MiB\n"
        "all is read at once. --measure takes memory bandwidth: from CPUs that are free for it alone, a process for each pair of nodes, "
        "which\n"
        "takes 64 to 256 MiB, 10 s at most for all. With --growth a sampled page fault takes its thread some 2 us longer. --measure, "
        "--exact and\n"
        "--growth are refused in quiet mode and while hftmon is off.\n"
        "Columns of a node, allocations since boot: local (by its own CPUs), other (by CPUs of others), miss (here, though another node "
        "was\n"
        "wished), foreign (elsewhere, though here was wished). Of a mapping or range: pages (that it has room for), looked at, absent (of\n"
        "those: never touched, swapped out, the zero page), huge (mapped by huge pages), policy (the kernel's words), elsewhere (on other\n"
        "nodes than the one where the process's threads ran), nodes (shares of the pages that are there). Of cache lines: loads served by\n"
        "this socket's caches and memory (local) or by another's (remote); the rest is not told by the hardware.\n"
        "Exit code 1: a process could not be looked at, or not all of what was asked for could be told.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    if (measure_) return Measure(context);
    const absl::StatusOr<v1::QueryNumaRequest> request = Request();
    if (!request.ok()) return request.status();
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    const auto response = (*client)->QueryNuma(*request);
    if (!response.ok()) return response.status();
    context.console.Out(json_ ? JsonLine(NumaJson(*response)) : NumaText(*response));
    const std::vector<std::string> warnings = NumaWarnings(*response, exact_);
    PrintWarnings(context.console, "numa", warnings);
    return warnings.empty() ? kExitFine : kExitWarnings;
  }

 private:
  absl::StatusOr<int> Measure(const Context& context) const {
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    const auto response = (*client)->MeasureNuma();
    if (!response.ok()) return response.status();
    context.console.Out(json_ ? JsonLine(NumaMatrixJson(*response)) : NumaMatrixText(*response));
    const std::vector<std::string> warnings = NumaMatrixWarnings(*response);
    PrintWarnings(context.console, "numa", warnings);
    return warnings.empty() ? kExitFine : kExitWarnings;
  }
  absl::StatusOr<v1::QueryNumaRequest> Request() const {
    v1::QueryNumaRequest request;
    const auto pids = ParseIds("--pid", pids_);
    if (!pids.ok()) return pids.status();
    request.mutable_pids()->Add(pids->begin(), pids->end());
    request.set_exact(exact_);
    if (!pages_.empty()) {
      const auto pages = ParseCount("--pages", pages_, 1, kPagesMax);
      if (!pages.ok()) return pages.status();
      request.set_pages_max(*pages);
    }
    if (!bandwidth_.empty()) {
      const auto duration_ns = ParseDurationOption("--bandwidth", bandwidth_, kBandwidthRange);
      if (!duration_ns.ok()) return duration_ns.status();
      request.set_bandwidth_ns(*duration_ns);
    }
    if (!growth_.empty()) {
      const auto growth_ns = ParseDurationOption("--growth", growth_, kGrowthRange);
      if (!growth_ns.ok()) return growth_ns.status();
      if (pids->size() != 1) return absl::InvalidArgumentError("--growth samples page faults of one process: name it with -p");
      request.set_growth_ns(*growth_ns);
    }
    const auto resolution = ParseResolution(resolution_);
    if (!resolution.ok()) return resolution.status();
    request.set_resolution(*resolution);
    return request;
  }

  std::vector<std::string> pids_;
  bool exact_ = false;
  std::string pages_;
  std::string growth_;
  std::string resolution_ = "none";
  std::string bandwidth_;
  bool measure_ = false;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewNumaVerb() {
  return std::make_unique<NumaVerb>();
}

}  // namespace hftmon
