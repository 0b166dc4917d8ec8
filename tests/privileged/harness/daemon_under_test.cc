#include "tests/privileged/harness/daemon_under_test.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "tests/workloads/scheduling.h"

namespace hftmon::testing {

DaemonUnderTest::DaemonUnderTest(Options options) : options_(std::move(options)) {
  char folder[] = "/tmp/hftmon-test.XXXXXX";
  if (mkdtemp(folder) == nullptr) std::abort();
  chmod(folder, 0755);  // an unprivileged daemon must reach it too
  folder_ = folder;
  socket_ = options_.socket.empty() ? folder_ + "/hftmond.sock" : options_.socket;
}

DaemonUnderTest::~DaemonUnderTest() {
  client_.reset();
  if (process_) Stop();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

absl::Status DaemonUnderTest::AwaitReady() {
  const int64_t deadline_ns = workload::NowNs() + 60'000'000'000;
  while (workload::NowNs() < deadline_ns) {
    pollfd wait{notify_socket_, POLLIN, 0};
    // The short limit is for a daemon that ends without a word; a word is read at once.
    if (poll(&wait, 1, 50) <= 0) {
      if (!process_->Running()) break;
      continue;
    }
    char message[4096];
    const ssize_t length = recv(notify_socket_, message, sizeof(message), 0);
    const std::string_view text(message, length > 0 ? static_cast<size_t>(length) : 0);
    if (text.find("READY=1") != std::string_view::npos) return absl::OkStatus();
  }
  return absl::UnavailableError("hftmond did not become ready: " + process_->ErrorText());
}

// Open only until the daemon is ready: nobody reads it afterwards, and a full socket would hold the daemon up.
void DaemonUnderTest::OpenNotifySocket() {
  const std::string notify_path = folder_ + "/notify";
  unlink(notify_path.c_str());
  notify_socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::strncpy(name.sun_path, notify_path.c_str(), sizeof(name.sun_path) - 1);
  if (bind(notify_socket_, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) != 0) std::abort();
  chmod(notify_path.c_str(), 0777);
}

absl::Status DaemonUnderTest::Start() {
  OpenNotifySocket();
  std::vector<std::string> command = options_.prefix;
  command.insert(command.end(), {BinaryPath("hftmond"), "--listen", address()});
  command.insert(command.end(), options_.arguments.begin(), options_.arguments.end());
  process_ = std::make_unique<Subprocess>(command, Subprocess::Options{{{"NOTIFY_SOCKET", folder_ + "/notify"}}, options_.cpus});
  const absl::Status ready = AwaitReady();
  close(notify_socket_);
  notify_socket_ = -1;
  if (!ready.ok()) return ready;
  ClientOptions options;
  options.deadline_ns = 30'000'000'000;
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(address(), options);
  if (!client.ok()) return client.status();
  client_ = *std::move(client);
  return absl::OkStatus();
}

int DaemonUnderTest::Stop() {
  process_->Signal(SIGTERM);
  const std::optional<int> code = process_->Wait(30'000);
  if (!code) Kill();
  return code.value_or(-1);
}

void DaemonUnderTest::Kill() {
  process_->Signal(SIGKILL);
  process_->Wait();
}

CommandResult DaemonUnderTest::Hftmon(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {BinaryPath("hftmon"), "--server", address()});
  return RunCommand(arguments);
}

nlohmann::json DaemonUnderTest::HftmonJson(std::vector<std::string> arguments) const {
  arguments.push_back("--json");
  const CommandResult result = Hftmon(std::move(arguments));
  const nlohmann::json object = nlohmann::json::parse(result.output, nullptr, false);
  if (result.exit_code >= 0 && result.exit_code <= 2 && !object.is_discarded()) return object;
  std::fprintf(stderr, "hftmon ended with %d: %s%s\n", result.exit_code, result.output.c_str(), result.error.c_str());
  return nullptr;
}

int DaemonUnderTest::WorkloadCpu() const {
  const absl::StatusOr<v1::GetStatusResponse> status = client_->GetStatus();
  const std::vector<int> cpus = workload::InheritedCpus();
  const int housekeeping = status.ok() ? status->loop().cpu() : -1;
  const auto other = std::find_if(cpus.rbegin(), cpus.rend(), [housekeeping](int cpu) { return cpu != housekeeping; });
  return other == cpus.rend() ? cpus.front() : *other;
}

absl::StatusOr<v1::AttachResponse> DaemonUnderTest::Attach(pid_t pid, int64_t spike_threshold_ns, int64_t blocked_threshold_ns) const {
  v1::AttachRequest request;
  request.add_pids(pid);
  request.mutable_options()->set_spike_threshold_ns(spike_threshold_ns);
  request.mutable_options()->set_blocked_threshold_ns(blocked_threshold_ns);
  return client_->Attach(request);
}

absl::Status DaemonUnderTest::Detach(pid_t pid) const {
  v1::DetachRequest request;
  request.add_pids(pid);
  return client_->Detach(request).status();
}

absl::StatusOr<v1::QueryContextSwitchesResponse> DaemonUnderTest::Switches(pid_t pid) const {
  v1::QueryContextSwitchesRequest request;
  request.add_pids(pid);
  absl::StatusOr<v1::QueryContextSwitchesResponse> answer = client_->QueryContextSwitches(request);
  // A late answer lacks what happened last, and says so: on a crowded host the loop may have been away.
  for (int i = 0; i < 50 && answer.ok() && answer->window().late(); ++i) answer = client_->QueryContextSwitches(request);
  return answer;
}

absl::StatusOr<v1::DetectSpikesResponse> DaemonUnderTest::Spikes(pid_t pid, int64_t threshold_ns, int64_t blocked_threshold_ns) const {
  v1::DetectSpikesRequest request;
  request.add_pids(pid);
  request.set_threshold_ns(threshold_ns);
  request.set_blocked_threshold_ns(blocked_threshold_ns);
  request.set_max_spikes(100'000);
  return client_->DetectSpikes(request);
}

int64_t DaemonUnderTest::Used(const std::string& bound) const {
  const auto status = client_->GetStatus();
  if (!status.ok()) return -1;
  for (const v1::Bound& entry : status->bounds()) {
    if (entry.name() == bound) return entry.used();
  }
  return -1;
}

std::optional<v1::Target> DaemonUnderTest::FindTarget(pid_t pid) const {
  const absl::StatusOr<v1::ListTargetsResponse> list = client_->ListTargets();
  if (!list.ok()) return std::nullopt;
  for (const v1::Target& target : list->targets()) {
    if (target.pid() == pid) return target;
  }
  return std::nullopt;
}

}  // namespace hftmon::testing
