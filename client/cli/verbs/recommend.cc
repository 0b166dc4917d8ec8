// recommend: what to change on the host or in a program, with the evidence, the command and its undo.
#include "client/cli/render/recommend.h"

#include <algorithm>

#include "client/cli/exit_code.h"
#include "client/cli/off_notice.h"
#include "client/cli/option_values.h"
#include "client/cli/render/warnings.h"
#include "client/cli/verbs/verbs.h"

namespace hftmon {
namespace {

constexpr DurationRange kRecommendWindowRange{1, 366LL * 24 * 3600 * 1'000'000'000, "1ns to 366d"};

std::vector<std::string> WarningsOfAnswer(const v1::RecommendResponse& response) {
  std::vector<std::string> warnings;
  if (response.lost_records() > 0) warnings.push_back(std::to_string(response.lost_records()) + " records were lost in the window");
  if (response.facts_refused() > 0) {
    warnings.push_back(std::to_string(response.facts_refused()) + " facts were refused, a fault of hftmond: " + response.first_refusal());
  }
  const auto mendable = [](const v1::NotJudged& one) { return !one.mend().empty(); };
  if (std::any_of(response.not_judged().begin(), response.not_judged().end(), mendable)) {
    warnings.push_back("rules were not judged for a reason that can be mended: see `not judged`");
  }
  return warnings;
}

class RecommendVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand("recommend", "what to change, with the evidence, the command, its undo and what will prove it");
    verb->add_option("-p,--pid", pids_, "process ids of targets, a list (default: all)");
    verb->add_option("--window", window_, "how far back from now")->capture_default_str();
    verb->add_option("--rule", rules_, "rules alone of these ids, a list (default: all)");
    verb->add_flag("--look-at-memory", look_at_memory_,
                   "look where targets' pages lie, as `hftmon numa` does and at its cost: rules about memory's nodes need it");
    verb->add_flag("--audit", audit_, "how the host is set up too, whether a process is watched or not");
    verb->add_flag("--json", json_, "print one JSON object");
    verb->footer(
        "Only what was seen in the window makes an advice, and with --audit how the host is set up; hftmon changes nothing itself. Gains "
        "are upper bounds, those that say `about` are\n"
        "not; they overlap and must not be added up. Rules whose silence says nothing are told with the reason.\n"
        "Exit code 2: there are recommendations. 1: there are none, and rules were not judged for a reason that can be mended, or records\n"
        "were lost.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    const auto request = Read();
    if (!request.ok()) return request.status();
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    const auto response = (*client)->Recommend(*request);
    if (!response.ok()) return response.status();
    context.console.Out(json_ ? JsonLine(RecommendJson(*response)) : RecommendText(*response, audit_));
    const std::vector<std::string> warnings = WarningsOfAnswer(*response);
    PrintWarnings(context.console, "recommend", warnings);
    const bool off = response->window().off_ns() > 0 && SayIfOff(context, **client, "recommend");
    if (!response->recommendations().empty()) return kExitThreshold;
    return off || !warnings.empty() ? kExitWarnings : kExitFine;
  }

 private:
  absl::StatusOr<v1::RecommendRequest> Read() const {
    v1::RecommendRequest request;
    const auto pids = ParseIds("--pid", pids_);
    if (!pids.ok()) return pids.status();
    request.mutable_pids()->Add(pids->begin(), pids->end());
    const auto window_ns = ParseDurationOption("--window", window_, kRecommendWindowRange);
    if (!window_ns.ok()) return window_ns.status();
    request.set_window_ns(*window_ns);
    request.set_look_at_memory(look_at_memory_);
    request.set_audit(audit_);
    for (std::string& rule : SplitLists(rules_)) request.add_rules(std::move(rule));
    return request;
  }

  std::vector<std::string> pids_;
  std::string window_ = "60s";
  std::vector<std::string> rules_;
  bool look_at_memory_ = false;
  bool audit_ = false;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewRecommendVerb() {
  return std::make_unique<RecommendVerb>();
}

}  // namespace hftmon
