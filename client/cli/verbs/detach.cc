// detach: stop watching processes.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "client/cli/exit_code.h"
#include "client/cli/option_values.h"
#include "client/cli/render/both_numbers.h"
#include "client/cli/render/json.h"
#include "client/cli/render/rules.h"
#include "client/cli/render/still_held.h"
#include "client/cli/selector_flags.h"
#include "client/cli/verbs/verbs.h"

namespace hftmon {
namespace {

class DetachVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand(
        "detach", "stop watching processes, whose spikes and counts cannot be asked for until they are watched again; end rules");
    verb->add_option("-p,--pid,pid", pids_, "process ids of targets");
    selectors_.Declare(*verb);
    verb->add_flag("--all", all_, "every target and rule, whoever holds it");
    verb->add_flag("--force", force_, "the parts of all clients, not only what `attach` asked for");
    verb->add_flag("--json", json_, "print one JSON object");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    const bool named = !pids_.empty() || !selectors_.empty();
    if (all_ == named) {
      return absl::InvalidArgumentError(all_ ? "--all and pids or rules: they exclude each other: give one of them"
                                             : "which: no target is named: give process ids or rules (see `hftmon targets`) or --all");
    }
    const auto pids = ParseIds("pid", pids_);
    if (!pids.ok()) return pids.status();
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    v1::DetachRequest request;
    request.mutable_pids()->Add(pids->begin(), pids->end());
    selectors_.AddTo(request.mutable_selectors());
    request.set_all(all_);
    request.set_force(force_);
    request.set_persist(true);
    const auto response = (*client)->Detach(request);
    if (!response.ok()) return response.status();
    if (json_) {
      context.console.Out(JsonLine(ToJson(*response)));
      return kExitFine;
    }
    v1::ListTargetsResponse targets;
    if (!response->still_held_pids().empty()) {
      // Who holds them is an addition: without an answer it is left out.
      if (auto listed = (*client)->ListTargets(); listed.ok()) targets = *std::move(listed);
    }
    context.console.Out(ToText(*response, targets));
    return kExitFine;
  }

 private:
  static Json ToJson(const v1::DetachResponse& response) {
    Json json = NewAnswer();
    json["pids"] = Json::array();
    for (const int32_t pid : response.pids()) json["pids"].push_back(pid);
    json["still_held_pids"] = Json::array();
    for (const int32_t pid : response.still_held_pids()) json["still_held_pids"].push_back(pid);
    AddInner("namespace_pids", response.namespace_pids(), &json);
    AddInner("still_held_namespace_pids", response.still_held_namespace_pids(), &json);
    json["rules"] = RulesJson(response.rules());
    return json;
  }
  static std::string NumbersText(const v1::DetachResponse& response) {
    std::vector<std::string> numbers;
    for (int i = 0; i < response.pids_size(); ++i) {
      numbers.push_back(BothNumbers(response.pids(i), i < response.namespace_pids_size() ? response.namespace_pids(i) : 0));
    }
    return fmt::format("{}", fmt::join(numbers, ", "));
  }
  // One for each pid, 0 for those of the daemon's own namespace; absent when all are.
  static void AddInner(const char* key, const google::protobuf::RepeatedField<int32_t>& numbers, Json* json) {
    if (std::any_of(numbers.begin(), numbers.end(), [](int32_t number) { return number > 0; })) (*json)[key] = numbers;
  }
  static std::string ToText(const v1::DetachResponse& response, const v1::ListTargetsResponse& targets) {
    std::string text;
    for (const v1::TargetRule& rule : response.rules()) text += fmt::format("ended the rule {}\n", SelectorText(rule.selector()));
    if (!response.pids().empty())
      text += fmt::format("detached {}: {} cannot be asked for until watched again\n", NumbersText(response),
                          response.pids_size() == 1 ? "its spikes and counts" : "their spikes and counts");
    if (!response.still_held_pids().empty()) text += StillHeldText(response.still_held_pids(), targets);
    return text.empty() ? "there was no target\n" : text;
  }

  std::vector<std::string> pids_;
  SelectorFlags selectors_;
  bool all_ = false;
  bool force_ = false;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewDetachVerb() {
  return std::make_unique<DetachVerb>();
}

}  // namespace hftmon
