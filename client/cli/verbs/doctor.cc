// doctor: what the host of the daemon can measure, and for what it cannot: why, and what mends it.
#include "client/cli/render/doctor.h"
#include "client/cli/exit_code.h"
#include "client/cli/verbs/verbs.h"

namespace hftmon {
namespace {

class DoctorVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand("doctor", "what this host can measure; for what it cannot: why, and the mend");
    verb->add_flag("--json", json_, "print one JSON object");
    verb->footer("Exit code 1: something is unavailable; 2: something that the daemon needs is.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    const auto response = (*client)->GetCapabilities();
    if (!response.ok()) return response.status();
    context.console.Out(json_ ? JsonLine(DoctorJson(*response)) : DoctorText(*response, context.console.out_style()));
    int exit_code = kExitFine;
    for (const v1::Capability& capability : response->capabilities()) {
      if (capability.available()) continue;
      if (capability.required()) return kExitThreshold;
      exit_code = kExitWarnings;
    }
    return exit_code;
  }

 private:
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewDoctorVerb() {
  return std::make_unique<DoctorVerb>();
}

}  // namespace hftmon
