// attach: watch processes.
#include "client/cli/exit_code.h"
#include "client/cli/option_values.h"
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
    verb->add_option("pid", pids_, "process ids; all are attached or none");
    selectors_.Declare(*verb);
    flags_.Declare(*verb);
    verb->add_flag("--persist", persist_, "until it is detached: always so for this command, whose connection ends at once");
    verb->add_flag("--json", json_, "print one JSON object");
    verb->footer("Exit code 1: a table was full, some threads are not watched.");
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
    const auto response = (*client)->Attach(request);
    if (!response.ok()) return response.status();
    context.console.Out(json_ ? JsonLine(TargetsJson(response->targets(), response->rules())) : ToText(*response));
    for (const v1::Target& target : response->targets()) {
      if (target.unslotted_thread_count() > 0) return kExitWarnings;
    }
    return kExitFine;
  }

 private:
  static std::string ToText(const v1::AttachResponse& response) {
    return (response.targets().empty() ? "" : TargetsText(response.targets())) + RulesText(response.rules());
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
