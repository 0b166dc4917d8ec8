// attach: watch processes.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "client/cli/exit_code.h"
#include "client/cli/off_notice.h"
#include "client/cli/option_values.h"
#include "client/cli/render/target_options.h"
#include "client/cli/render/targets.h"
#include "client/cli/selector_flags.h"
#include "client/cli/target_flags.h"
#include "client/cli/verbs/verbs.h"

namespace hftmon {
namespace {

class AttachVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb =
        app.add_subcommand("attach", "watch processes, with their threads, and children born from now on; or whatever a rule finds");
    verb->add_option("-p,--pid,pid", pids_, "process ids; all are attached or none");
    selectors_.Declare(*verb);
    flags_.Declare(*verb);
    verb->add_flag("--persist", persist_, "until it is detached: always so for this command, whose connection ends at once");
    verb->add_flag("--json", json_, "print one JSON object");
    verb->footer("Exit code 1: a table was full, some threads are not watched; or the programs are off (`hftmon off`).");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    if (pids_.empty() && selectors_.empty()) {
      return absl::InvalidArgumentError("which: no process is named: give process ids, or --name, --cgroup, --unit or --cpus");
    }
    const auto pids = ParseIds("pid", pids_);
    if (!pids.ok()) return pids.status();
    auto options = flags_.Options();
    if (!options.ok()) return options.status();
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    v1::AttachRequest request;
    request.mutable_pids()->Add(pids->begin(), pids->end());
    selectors_.AddTo(request.mutable_selectors());
    request.set_persist(true);  // this process ends at once
    *request.mutable_options() = *std::move(options);
    v1::ListTargetsResponse before;
    if (!json_) {
      // What it is for is a sentence: without an answer there is none.
      if (auto listed = (*client)->ListTargets(); listed.ok()) before = *std::move(listed);
    }
    const auto response = (*client)->Attach(request);
    if (!response.ok()) return response.status();
    context.console.Out(json_ ? JsonLine(TargetsJson(response->targets(), response->rules()))
                              : ToText(*response) + JoinedText(before, *response));
    if (response->counters_began_anew()) context.console.Err(CountersBeganAnewText());
    bool warned = SayIfOff(context, **client, "attach");
    for (const v1::Target& target : response->targets()) warned = warned || target.unslotted_thread_count() > 0;
    return warned ? kExitWarnings : kExitFine;
  }

 private:
  static std::string ToText(const v1::AttachResponse& response) {
    return (response.targets().empty() ? "" : TargetsText(response.targets(), Ended::kAll)) + RulesText(response.rules());
  }

  // Of those that were watched before: the options that two wishes make together.
  static std::string JoinedText(const v1::ListTargetsResponse& before, const v1::AttachResponse& response) {
    std::string text;
    for (const v1::Target& target : response.targets()) {
      const auto is_same = [&target](const v1::Target& other) {
        return other.pid() == target.pid() && other.start_boottime_ns() == target.start_boottime_ns() &&
               other.state() != v1::TARGET_STATE_ENDED;
      };
      if (!std::any_of(before.targets().begin(), before.targets().end(), is_same)) continue;
      text += fmt::format(
          "{} was watched already, it now has what all ask for together: {} (to ask for less, detach it first; what is counted "
          "changes by `hftmon targets --set {}`)\n",
          target.pid(), TargetOptionsText(target.options()), target.pid());
    }
    for (const v1::TargetRule& rule : response.rules()) {
      const auto is_same = [&rule](const v1::TargetRule& other) { return other.id() == rule.id(); };
      if (!std::any_of(before.rules().begin(), before.rules().end(), is_same)) continue;
      text += fmt::format("rule {} was there already, it now has what all ask for together: {} (to ask for less, detach it first)\n",
                          rule.id(), TargetOptionsText(rule.options()));
    }
    return text;
  }

  std::vector<std::string> pids_;
  SelectorFlags selectors_;
  TargetFlags flags_;
  bool persist_ = false;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewAttachVerb() {
  return std::make_unique<AttachVerb>();
}

}  // namespace hftmon
