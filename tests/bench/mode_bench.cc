// mode_bench: what each mode detects how soon, and what it costs; a daemon for each.
//
// The loop has one CPU, everything else the other: the workload, the client, the daemon's other threads. A sleeper wakes each millisecond
// and every one of its sleeps is a spike (`blocked`), streamed to a client in this process. Measured for each mode:
// - detection: the closing kernel record's time stamp to the spike with its budget in the daemon (the spike's own detection_ns);
// - callback: the same time stamp to the moment at which this client has the message out of its Unix socket;
// - crossing: of a stall that goes on (a spinner that a SCHED_FIFO thread keeps from its CPU for a millisecond, threshold 200 us), from the
//   moment at which it crossed the threshold to the spike in progress, as `status` has it. Not to the client: its CPU is the one taken;
// - the first two once over all spikes, and once without those that the loop took after a gap of its own (Spike.loop_gap_ns) above
// kOwnGapNs plus the
//   sleep that the mode means: there the loop's CPU was taken away, which on a virtual machine nothing in it can help;
// - the loop's lateness, the daemon's CPU with idle targets and with two threads that wake each other without end, its memory.
// Prints a table, and one JSON object with --json FILE. Exit code: 0 when the gates hold, 2 when one does not, 3 when the daemon could not
// be measured, 77 when this host cannot measure at all.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/privileged/harness/daemon_under_test.h"
#include "tests/privileged/harness/kernel_objects.h"
#include "tests/privileged/harness/workload_run.h"
#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;

constexpr double kGateP50Ns = 3'000;
constexpr double kGateP99Ns = 10'000;
constexpr int64_t kOwnGapNs = 10'000;          // the loop's pause from which a spike counts as taken after a gap
constexpr int64_t kSilenceNs = 1'000'000'000;  // that ends the stream of a workload that has ended
constexpr int kCannotMeasure = 77;
constexpr int64_t kBlockedThresholdNs = 100'000;
constexpr int64_t kPreemptedThresholdNs = 200'000;
constexpr int64_t kNeverNs = 60'000'000'000;

struct Sample {
  int64_t detection_ns = 0;
  int64_t callback_ns = 0;
  int64_t loop_gap_ns = 0;
};

json Distribution(std::vector<int64_t> values) {
  json out{{"count", values.size()}};
  if (values.empty()) return out;
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) { return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))]; };
  out.update({{"p50_ns", at(0.5)}, {"p95_ns", at(0.95)}, {"p99_ns", at(0.99)}, {"p99_9_ns", at(0.999)}, {"max_ns", values.back()}});
  return out;
}

json Both(const std::vector<Sample>& samples, int64_t Sample::*figure) {
  std::vector<int64_t> all;
  std::vector<int64_t> outside_gaps;
  for (const Sample& sample : samples) {
    all.push_back(sample.*figure);
    if (sample.loop_gap_ns <= kOwnGapNs) outside_gaps.push_back(sample.*figure);
  }
  return {{"all", Distribution(all)}, {"outside_loop_gaps", Distribution(outside_gaps)}};
}

json Statistics(const v1::DurationStatistics& statistics) {
  json out{{"count", statistics.count()}, {"max_ns", statistics.max_ns()}};
  for (const v1::Percentile& percentile : statistics.percentiles()) {
    std::string name = std::to_string(percentile.percent());
    name.erase(name.find_last_not_of('0') + 1);
    if (name.back() == '.') name.pop_back();
    std::replace(name.begin(), name.end(), '.', '_');
    out["p" + name + "_ns"] = percentile.value_ns();
  }
  return out;
}

struct Mode {
  const char* name;
  const char* mode;
  const char* scheduling;
};
constexpr Mode kModes[] = {{"latency", "latency", "other"},
                           {"latency, fifo", "latency", "fifo"},
                           {"balanced", "balanced", "other"},
                           {"economy", "economy", "other"}};

class Bench {
 public:
  Bench(int cpu, int loop_cpu, int64_t spikes, int64_t idle_ns) : cpu_(cpu), loop_cpu_(loop_cpu), spikes_(spikes), idle_ns_(idle_ns) {}

  absl::Status Run() {
    for (const Mode& mode : kModes) {
      std::fprintf(stderr, "%s …\n", mode.name);
      DaemonUnderTest::Options options;
      options.arguments = {"--cpu", std::to_string(loop_cpu_), "--mode", mode.mode, "--scheduling", mode.scheduling};
      options.cpus = {cpu_, loop_cpu_};
      daemon_ = std::make_unique<DaemonUnderTest>(options);
      if (absl::Status started = daemon_->Start(); !started.ok()) return started;
      if (absl::Status measured = Measure(mode); !measured.ok()) return measured;
    }
    return absl::OkStatus();
  }
  const json& rows() const { return rows_; }

 private:
  absl::Status Measure(const Mode& mode) {
    json row{{"mode", mode.name}};
    WorkloadRun sleeper("sleeper", {"--cpu", std::to_string(cpu_), "--count", std::to_string(spikes_), "--duration-us", "1000"});
    WorkloadRun game("ping_pong", {"--batch", "--cpu", std::to_string(cpu_)});
    for (const pid_t pid : {sleeper.pid(), game.pid()}) {
      if (const auto attached = daemon_->Attach(pid); !attached.ok()) return attached.status();
    }
    row["cpu_share_idle"] = CpuShareOver([this] { workload::SleepUntil(workload::NowNs() + idle_ns_); });
    std::vector<Sample> samples;
    row["cpu_share_spikes"] = CpuShareOver([&] { samples = Sleeps(sleeper); });
    row["cpu_share_load"] = CpuShareOver([&] { game.Act("50000"); });
    row["detection"] = Both(samples, &Sample::detection_ns);
    row["callback"] = Both(samples, &Sample::callback_ns);
    if (absl::Status stalled = Stall(); !stalled.ok()) return stalled;
    const auto status = daemon_->client().GetStatus();
    if (!status.ok()) return status.status();
    row["crossing"] = Statistics(status->loop().crossing_detection());
    row["lateness"] = Statistics(status->loop().lateness());
    row["scheduling"] = status->loop().scheduling();
    row["rss_bytes"] = status->daemon().rss_bytes();
    row["bpf_map_bytes"] = status->daemon().bpf_map_bytes();
    row["lost_records"] = status->lost_records();
    rows_.push_back(row);
    return absl::OkStatus();
  }

  std::vector<Sample> Sleeps(WorkloadRun& sleeper) {
    v1::StreamSpikesRequest request;
    request.set_threshold_ns(kNeverNs);
    request.set_blocked_threshold_ns(kBlockedThresholdNs);
    const std::vector<Sample> samples =
        Stream(sleeper, std::move(request), [](const v1::Spike& spike) { return spike.kind() == "blocked"; });
    std::fprintf(stderr, "  %zu of %lld sleeps came as spikes\n", samples.size(), static_cast<long long>(spikes_));
    return samples;
  }

  // Stalls that are longer than the threshold, with somebody who wants to be told of them.
  absl::Status Stall() {
    const int64_t count = std::clamp<int64_t>(spikes_ / 2, 25, 10'000);
    WorkloadRun spinner("preempted_spinner",
                        {"--cpu", std::to_string(cpu_), "--count", std::to_string(count), "--duration-us", "1000", "--period-us", "4000"});
    if (const std::string refused = spinner.about().value("refused", ""); !refused.empty()) {
      return absl::FailedPreconditionError("no stall can be made: " + refused);
    }
    if (const auto attached = daemon_->Attach(spinner.pid()); !attached.ok()) return attached.status();
    v1::StreamSpikesRequest request;
    request.set_threshold_ns(kPreemptedThresholdNs);
    Stream(spinner, std::move(request), [](const v1::Spike&) { return false; });
    return absl::OkStatus();
  }

  // The spikes of `workload` that `wanted` takes, from the word to begin to its end.
  template <typename Wanted>
  std::vector<Sample> Stream(WorkloadRun& workload, v1::StreamSpikesRequest request, Wanted wanted) {
    request.add_pids(workload.pid());
    auto stream = daemon_->client().StreamSpikes(request);
    std::vector<Sample> samples;
    samples.reserve(static_cast<size_t>(spikes_));
    v1::StreamSpikesResponse message;
    if (!stream->Read(&message)) return samples;
    workload.Say("go");
    // After the workload's end, silence ends the stream: a sleep that the host made one with the next must not be waited for.
    std::atomic<int64_t> last_message_ns{workload::NowNs()};
    std::thread end([&] {
      workload.Read();
      last_message_ns.store(workload::NowNs(), std::memory_order_relaxed);
      while (workload::NowNs() - last_message_ns.load(std::memory_order_relaxed) < kSilenceNs) {
        workload::SleepUntil(workload::NowNs() + kSilenceNs / 10);
      }
      stream->Cancel();
    });
    while (stream->Read(&message)) {
      const int64_t now_ns = workload::NowNs();
      last_message_ns.store(now_ns, std::memory_order_relaxed);
      const v1::Spike& spike = message.spike();
      if (!message.has_spike() || !wanted(spike)) continue;
      const int64_t record_ns = spike.start_monotonic_ns() + spike.duration_ns();
      samples.push_back({spike.detection_ns(), now_ns - record_ns, spike.loop_gap_ns()});
    }
    end.join();
    return samples;
  }

  template <typename Action>
  double CpuShareOver(Action action) {
    const auto before = daemon_->client().GetStatus();
    const int64_t begin_ns = workload::NowNs();
    action();
    const int64_t end_ns = workload::NowNs();
    const auto after = daemon_->client().GetStatus();
    if (!before.ok() || !after.ok()) return -1;
    return static_cast<double>(after->daemon().cpu_time_ns() - before->daemon().cpu_time_ns()) / static_cast<double>(end_ns - begin_ns);
  }

  const int cpu_;
  const int loop_cpu_;
  const int64_t spikes_;
  const int64_t idle_ns_;
  std::unique_ptr<DaemonUnderTest> daemon_;
  json rows_ = json::array();
};

void PrintLine(const std::string& name, const json& figures) {
  std::printf("  %-34s", name.c_str());
  for (const char* key : {"p50_ns", "p95_ns", "p99_ns", "p99_9_ns", "max_ns"}) {
    if (figures.contains(key)) {
      std::printf(" %11.1f", figures[key].get<double>() / 1'000);
    } else {
      std::printf(" %11s", "-");
    }
  }
  std::printf("  of %llu\n", static_cast<unsigned long long>(figures["count"].get<uint64_t>()));
}

void Print(const json& rows) {
  std::printf("Modes: microseconds\n\n  %-34s %11s %11s %11s %11s %11s\n", "", "p50", "p95", "p99", "p99.9", "max");
  for (const json& row : rows) {
    std::printf("%s (%s): CPU idle %.2f %%, with spikes %.2f %%, under load %.2f %% of a core; %.1f MiB resident, %.1f MiB of maps\n",
                row["mode"].get<std::string>().c_str(), row["scheduling"].get<std::string>().c_str(),
                row["cpu_share_idle"].get<double>() * 100, row["cpu_share_spikes"].get<double>() * 100,
                row["cpu_share_load"].get<double>() * 100, row["rss_bytes"].get<double>() / (1 << 20),
                row["bpf_map_bytes"].get<double>() / (1 << 20));
    PrintLine("detection, all", row["detection"]["all"]);
    PrintLine("detection, outside loop gaps", row["detection"]["outside_loop_gaps"]);
    PrintLine("crossing, all", row["crossing"]);
    PrintLine("callback, all", row["callback"]["all"]);
    PrintLine("callback, outside loop gaps", row["callback"]["outside_loop_gaps"]);
    PrintLine("loop's lateness", row["lateness"]);
  }
}

json Gates(const json& rows) {
  json gates = json::array();
  // Over all, the host's own pauses are in it: shown, and no verdict on the daemon where it can be told without them.
  const auto add = [&](const std::string& of, const json& figures, bool binding) {
    for (const auto& [key, limit] : {std::pair{"p50_ns", kGateP50Ns}, std::pair{"p99_ns", kGateP99Ns}}) {
      // Null, which never holds, where there were too few for that percentile.
      const json value = figures.contains(key) ? figures[key] : json();
      gates.push_back({{"gate", of + " in latency mode, " + key},
                       {"value", value},
                       {"at_most", limit},
                       {"binding", binding},
                       {"holds", value.is_number() && value.get<double>() <= limit}});
    }
  };
  const json& latency = rows[0];
  add("detection outside loop gaps", latency["detection"]["outside_loop_gaps"], true);
  add("detection", latency["detection"]["all"], false);
  add("crossing", latency["crossing"], true);
  return gates;
}

int Main(int argc, char** argv) {
  const workload::Arguments arguments(argc, argv, {"spikes", "idle-ms", "cpu", "json"}, {});
  if (const std::string why = WhyNotPrivileged(); !why.empty()) {
    std::fprintf(stderr, "mode_bench %s\n", why.c_str());
    return kCannotMeasure;
  }
  const int64_t spikes = arguments.Number("spikes", 5'000, 100, 100'000);
  const int64_t idle_ns = arguments.Number("idle-ms", 5'000, 100, 600'000) * 1'000'000;
  const int cpu = workload::ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20));
  const int loop_cpu = workload::OtherCpu(cpu);
  if (loop_cpu < 0) {
    std::fprintf(stderr, "one CPU only: the loop would share it with what it watches. Give two CPUs\n");
    return kCannotMeasure;
  }
  workload::PinTo(cpu);  // the client's threads too
  Bench bench(cpu, loop_cpu, spikes, idle_ns);
  if (const absl::Status measured = bench.Run(); !measured.ok()) {
    std::fprintf(stderr, "mode_bench: %s\n", std::string(measured.message()).c_str());
    return 3;
  }
  Print(bench.rows());
  const json gates = Gates(bench.rows());
  bool holds = true;
  for (const json& gate : gates) {
    const std::string value = gate["value"].is_number() ? std::to_string(gate["value"].get<int64_t>()) : "too few: raise --spikes";
    std::printf("  %-4s %s: %s, at most %.0f\n",
                gate["holds"]     ? "PASS"
                : gate["binding"] ? "FAIL"
                                  : "over",
                gate["gate"].get<std::string>().c_str(), value.c_str(), gate["at_most"].get<double>());
    holds = holds && (gate["holds"] || !gate["binding"]);
  }
  if (const std::string file = arguments.Text("json", ""); !file.empty()) {
    std::ofstream(file) << json{{"bench", "modes"}, {"own_gap_ns", kOwnGapNs}, {"modes", bench.rows()}, {"gates", gates}}.dump(2) << "\n";
  }
  return holds ? 0 : 2;
}

}  // namespace
}  // namespace hftmon::testing

int main(int argc, char** argv) {
  return hftmon::testing::Main(argc, argv);
}
