// hardware: what hardware and hypervisor do to CPUs.
#include "client/cli/render/hardware.h"

#include "client/cli/exit_code.h"
#include "client/cli/off_notice.h"
#include "client/cli/render/warnings.h"
#include "client/cli/verbs/verbs.h"
#include "common/cpu_list.h"

namespace hftmon {
namespace {

class HardwareVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand(
        "hardware", "what hardware and hypervisor do to CPUs: SMIs, frequency, idle states, machine checks, throttling, steal");
    verb->add_option("--cpus", cpus_, "CPUs, e.g. 2-5,8 (default: all that are online)");
    verb->add_flag("--read-registers", read_registers_,
                   "also read a few registers through /dev/cpu/N/msr: that interrupts each of --cpus once for each register");
    verb->add_flag("--json", json_, "print one JSON object");
    verb->footer(
        "While a process is attached with --probes hardware: each CPU reads its own registers at its tick and when it goes idle, and "
        "nothing "
        "is sent to it. A CPU that does neither has no new reading.\n"
        "Exit code 1: nobody asked for it with attach, the programs are off, something is unavailable that can be mended, or registers "
        "that --read-registers asked for could not be read. What a machine of this kind cannot have (SMIs without Intel's counter, "
        "steal on bare metal) is only said.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    v1::QueryHardwareRequest request;
    if (!cpus_.empty()) {
      const auto cpus = ParseCpuList(cpus_);
      if (!cpus.ok()) return cpus.status();
      request.mutable_cpus()->Add(cpus->begin(), cpus->end());
    }
    if (read_registers_ && request.cpus().empty()) {
      return absl::InvalidArgumentError("--read-registers interrupts the CPUs that it reads: name them with --cpus");
    }
    request.set_read_registers(read_registers_);
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    const auto response = (*client)->QueryHardware(request);
    if (!response.ok()) return response.status();
    context.console.Out(json_ ? JsonLine(HardwareJson(*response)) : HardwareText(*response));
    const bool off = SayIfOff(context, **client, "hardware");
    const std::vector<std::string> warnings = WarningsOf(*response);
    PrintWarnings(context.console, "hardware", warnings);
    return off || !warnings.empty() ? kExitWarnings : kExitFine;
  }

 private:
  std::string cpus_;
  bool read_registers_ = false;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewHardwareVerb() {
  return std::make_unique<HardwareVerb>();
}

}  // namespace hftmon
