// detach: stop watching processes.
#include <fmt/format.h>

#include "client/cli/exit_code.h"
#include "client/cli/option_values.h"
#include "client/cli/render/json.h"
#include "client/cli/verbs/verbs.h"

namespace hftmon {
namespace {

class DetachVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand("detach", "stop watching processes");
    verb->add_option("pid", pids_, "process ids of targets");
    verb->add_flag("--all", all_, "every target");
    verb->add_flag("--json", json_, "print one JSON object");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    if (all_ != pids_.empty()) {
      return absl::InvalidArgumentError(all_ ? "--all and pids: they exclude each other: give one of them"
                                             : "which: no target is named: give process ids (see `hftmon targets`) or --all");
    }
    const auto pids = ParseIds("pid", pids_);
    if (!pids.ok()) return pids.status();
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    v1::DetachRequest request;
    request.mutable_pids()->Add(pids->begin(), pids->end());
    request.set_all(all_);
    const auto response = (*client)->Detach(request);
    if (!response.ok()) return response.status();
    context.console.Out(json_ ? JsonLine(ToJson(*response)) : ToText(*response));
    return kExitFine;
  }

 private:
  static Json ToJson(const v1::DetachResponse& response) {
    Json json = NewAnswer();
    json["pids"] = Json::array();
    for (const int32_t pid : response.pids()) json["pids"].push_back(pid);
    return json;
  }
  static std::string ToText(const v1::DetachResponse& response) {
    return response.pids().empty() ? "there was no target\n" : fmt::format("detached {}\n", fmt::join(response.pids(), ", "));
  }

  std::vector<std::string> pids_;
  bool all_ = false;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewDetachVerb() {
  return std::make_unique<DetachVerb>();
}

}  // namespace hftmon
