// status: the daemon, its targets, its own cost, its drops.
#include <algorithm>

#include "client/cli/exit_code.h"
#include "client/cli/render/status.h"
#include "client/cli/render/targets.h"
#include "client/cli/verbs/verbs.h"

namespace hftmon {
namespace {

bool LostData(const v1::GetStatusResponse& response) {
  if (response.lost_records() > 0) return true;
  return std::any_of(response.drops().begin(), response.drops().end(),
                     [](const v1::DropCounter& drop) { return drop.data_loss() && drop.count() > 0; });
}

class StatusVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand("status", "the daemon, its targets, its own cost, drops");
    verb->add_flag("--json", json_, "print one JSON object");
    verb->footer("Exit code 1: data was lost since the daemon started.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    const auto response = (*client)->GetStatus();
    if (!response.ok()) return response.status();
    if (json_) {
      context.console.Out(JsonLine(StatusJson(*response)));
    } else {
      const auto targets = (*client)->ListTargets();
      if (!targets.ok()) return targets.status();
      context.console.Out(StatusText(*response) + "\n" + TargetsText(targets->targets(), Ended::kSummarised));
    }
    return LostData(*response) ? kExitWarnings : kExitFine;
  }

 private:
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewStatusVerb() {
  return std::make_unique<StatusVerb>();
}

}  // namespace hftmon
