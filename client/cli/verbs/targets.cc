// targets: what is watched; pauses and resumes it, and changes what is counted of it.
#include "client/cli/render/targets.h"
#include "client/cli/counter_update.h"
#include "client/cli/exit_code.h"
#include "client/cli/option_values.h"
#include "client/cli/verbs/verbs.h"

namespace hftmon {
namespace {

class TargetsVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand(
        "targets", "list the watched processes, the rules, and who holds them; pause and resume them, count others of their events");
    verb->add_option("--pause", pause_, "process ids: keep their history but cost what a bystander costs");
    verb->add_option("--resume", resume_, "process ids: watch again");
    counters_.Declare(*verb);
    verb->add_flag("--all", all_, "a row for each that has ended too, whose history is still answered; --json has them always");
    verb->add_flag("--json", json_, "print one JSON object");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    const auto pause = ParseIds("--pause", pause_);
    if (!pause.ok()) return pause.status();
    const auto resume = ParseIds("--resume", resume_);
    if (!resume.ok()) return resume.status();
    const auto counters = counters_.Request();
    if (!counters.ok()) return counters.status();
    const auto counted = counters_.Pids();
    if (!counted.ok()) return counted.status();
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    absl::Status changed = SetState(**client, *pause, v1::TARGET_STATE_PAUSED);
    if (changed.ok()) changed = SetState(**client, *resume, v1::TARGET_STATE_RUNNING);
    if (changed.ok()) changed = SetCounters(context, **client, *counted, *counters);
    if (!changed.ok()) return changed;
    const auto response = (*client)->ListTargets();
    if (!response.ok()) return response.status();
    context.console.Out(json_ ? JsonLine(TargetsJson(response->targets(), response->rules()))
                              : TargetsText(response->targets(), response->rules(), all_ ? Ended::kAll : Ended::kSummarised));
    return kExitFine;
  }

 private:
  static absl::Status SetState(const Client& client, const std::vector<int32_t>& pids, v1::TargetState state) {
    for (const int32_t pid : pids) {
      v1::UpdateTargetRequest request;
      request.set_pid(pid);
      request.set_state(state);
      if (const auto response = client.UpdateTarget(request); !response.ok()) return response.status();
    }
    return absl::OkStatus();
  }

  static absl::Status SetCounters(const Context& context, const Client& client, const std::vector<int32_t>& pids,
                                  v1::UpdateTargetRequest request) {
    for (const int32_t pid : pids) {
      request.set_pid(pid);
      const auto response = client.UpdateTarget(request);
      if (!response.ok()) return response.status();
      if (response->counters_began_anew()) context.console.Err(CountersBeganAnewText());
    }
    return absl::OkStatus();
  }

  CounterUpdate counters_;
  std::vector<std::string> pause_;
  std::vector<std::string> resume_;
  bool all_ = false;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewTargetsVerb() {
  return std::make_unique<TargetsVerb>();
}

}  // namespace hftmon
