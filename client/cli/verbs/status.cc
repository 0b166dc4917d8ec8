// status: the daemon, its targets, its own cost, its drops.
#include <fmt/format.h>

#include "client/cli/exit_code.h"
#include "client/cli/render/status.h"
#include "client/cli/render/targets.h"
#include "client/cli/render/warnings.h"
#include "client/cli/verbs/verbs.h"

namespace hftmon {
namespace {

// What was lost since the daemon started; empty: nothing.
std::string LossesOf(const v1::GetStatusResponse& response) {
  std::string losses = response.lost_records() > 0 ? fmt::format("lost_records {}", response.lost_records()) : "";
  for (const v1::DropCounter& drop : response.drops()) {
    if (drop.data_loss() && drop.count() > 0) losses += fmt::format("{}{} {}", losses.empty() ? "" : ", ", drop.name(), drop.count());
  }
  return losses;
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
    const std::string losses = LossesOf(*response);
    if (losses.empty()) return kExitFine;
    PrintWarnings(
        context.console, "status",
        {"data was lost since the daemon started (" + losses + "): " +
         (json_ ? "`hftmon status` without --json says what each of them means" : "the table of drops says what each of them means")});
    return kExitWarnings;
  }

 private:
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewStatusVerb() {
  return std::make_unique<StatusVerb>();
}

}  // namespace hftmon
