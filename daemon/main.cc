// hftmond: parse, start, wait for a signal, stop.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include "daemon/config_flags.h"
#include "daemon/daemon.h"
#include "daemon/os/standard_streams.h"

namespace {

constexpr int kExitError = 3;

int Fail(const absl::Status& status) {
  hftmon::LogLine(fmt::format("hftmond: {}", std::string(status.message())));
  return kExitError;
}

// Blocked before any thread is made, so that only sigwait sees them: no thread is interrupted, the housekeeping loop least of all.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

// Returns when the daemon is to end.
void ServeSignals(const sigset_t& signals, hftmon::Daemon* daemon) {
  int signal_number = 0;
  while (sigwait(&signals, &signal_number) == 0 && signal_number == SIGHUP) {
    hftmon::LogLine(fmt::format("hftmond: {}", daemon->Reload()));
  }
}

}  // namespace

int main(int argc, char** argv) {
  hftmon::OpenMissingStreams();
  const sigset_t signals = BlockSignals();
  absl::StatusOr<hftmon::ParsedArguments> parsed = hftmon::ParseArguments(argc, argv);
  if (!parsed.ok()) {
    // Each line begins with its place, as compilers write it.
    hftmon::LogLine(std::string(parsed.status().message()));
    return kExitError;
  }
  if (parsed->exit_code >= 0) {
    return hftmon::WriteOut(parsed->output) ? parsed->exit_code : kExitError;
  }
  hftmon::Daemon daemon(parsed->config, parsed->source);
  if (absl::Status status = daemon.Start(); !status.ok()) return Fail(status);
  const std::string description = daemon.Describe();
  hftmon::LogLine(fmt::format("hftmond: {}", description));
  daemon.service_manager().Ready(description);
  ServeSignals(signals, &daemon);
  daemon.service_manager().Stopping();
  daemon.Stop();
  return 0;
}
