// mode: how the daemon's loop polls: shows it, or sets it.
#include <fmt/format.h>

#include <string>

#include "client/cli/exit_code.h"
#include "client/cli/render/operation.h"
#include "client/cli/table.h"
#include "client/cli/verbs/verbs.h"

namespace hftmon {
namespace {

class ModeVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand("mode", "show or set how the daemon's loop polls: auto, latency, balanced, economy");
    verb->add_option("mode", mode_, "auto (chosen from the host), latency (spins), balanced, economy (sleeps); without it: show");
    verb->add_option("--scheduling", scheduling_, "of the loop: other or fifo; without it: as it is");
    verb->add_flag("--json", json_, "print one JSON object");
    verb->footer("Exit code 1: the loop keeps the only CPU busy that the daemon may use.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    if (!mode_.empty() || !scheduling_.empty()) {
      if (const absl::Status set = Set(**client); !set.ok()) return set;
    }
    // What was achieved, a scheduling class that was refused included.
    const auto status = (*client)->GetStatus();
    if (!status.ok()) return status.status();
    Json json = NewAnswer();
    json["operation"] = OperationJson(status->operation());
    json["loop"] = LoopPlaceJson(status->loop());
    context.console.Out(json_ ? JsonLine(json) : OperationText(status->operation()) + LoopPlaceText(status->loop()));
    if (!SharesItsCpu(*status)) return kExitFine;
    context.console.Err(
        fmt::format("hftmon: mode: {}: CPU {} is the only one that hftmond may use: its other threads share it with the loop, and calls "
                    "may take seconds: "
                    "give it a second CPU (taskset, CPUAffinity=, the cpuset of its cgroup), or set `hftmon mode balanced`\n",
                    Printable(status->operation().mode()), status->loop().cpu()));
    return kExitWarnings;
  }

 private:
  static bool SharesItsCpu(const v1::GetStatusResponse& status) {
    return status.operation().owns_cpu() && status.operation().other_cpus() == std::to_string(status.loop().cpu());
  }

  absl::Status Set(const Client& client) const {
    v1::SetModeRequest request;
    request.set_mode(mode_);
    request.set_scheduling(scheduling_);
    if (mode_.empty()) {
      const auto status = client.GetStatus();
      if (!status.ok()) return status.status();
      request.set_mode(status->operation().asked_mode());
    }
    return client.SetMode(request).status();
  }

  std::string mode_;
  std::string scheduling_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewModeVerb() {
  return std::make_unique<ModeVerb>();
}

}  // namespace hftmon
