// switch_cost_bench: nanoseconds that each way of watching adds to a context switch, all in one run.
//
// Two threads on one CPU wake each other through a futex (tests/workloads/ping_pong, SCHED_BATCH: every switch is voluntary and alike).
// A switch's time is half of the median round trip, so that what else the host runs (a few in a thousand round trips) does not count.
// Every round measures every way, each between two measurements of the unwatched base; what a way adds is its time minus the mean of
// its neighbours, and the median over the rounds is reported. What does the watching runs on the other CPU. Prints a table, and one JSON
// object with --json FILE. Exit code: 0 when the gates hold, 2 when one does not, 3 when nothing could be measured.
#include <sched.h>
#include <sys/mount.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/bench/switch_watchers.h"
#include "tests/privileged/harness/kernel_objects.h"
#include "tests/privileged/harness/workload_run.h"
#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;

constexpr double kGateWatchedNs = 50;    // above the empty hook
constexpr double kGateBystanderNs = 10;  // above the empty hook
constexpr double kGatePerfRatio = 8;     // watched against perf sched record
constexpr int kGamesAtOnce = 5;

struct Reading {
  double switch_ns = 0;  // one switch, median of kGamesAtOnce games
  double round_trip_p99_9_ns = 0;
  double round_trip_max_ns = 0;
};

struct Way {
  std::vector<double> added_ns;  // one a round
  std::vector<double> p99_9_ns;
  double max_ns = 0;
  std::string why_not;  // set when it could not be measured
};

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

class Bench {
 public:
  Bench(int cpu, int watcher_cpu, int64_t switches)
      : watcher_cpu_(watcher_cpu), switches_(switches), game_("ping_pong", {"--batch", "--cpu", std::to_string(cpu)}) {}

  void Run(int rounds) {
    Measure();  // caches, page tables and the clock's frequency reach their state
    for (int round = 0; round < rounds; ++round) {
      std::fprintf(stderr, "\rround %d of %d", round + 1, rounds);
      std::vector<std::function<void()>> groups = {[this] { EmptyGroup(); }, [this] { DaemonGroup(); }, [this] { PerfGroup(); },
                                                   [this] { BpftraceGroup(); }};
      // Another order each round: what one way leaves behind does not always meet the same successor.
      std::rotate(groups.begin(), groups.begin() + round % static_cast<int>(groups.size()), groups.end());
      for (const auto& group : groups) group();
    }
    std::fprintf(stderr, "\n");
  }

  const std::map<std::string, Way>& ways() const { return ways_; }

 private:
  Reading Measure() {
    std::vector<double> switch_ns;
    Reading reading;
    for (int i = 0; i < kGamesAtOnce; ++i) {
      const json result = game_.Act(std::to_string(switches_ / kGamesAtOnce));
      switch_ns.push_back(result["round_trip"]["p50_ns"].get<double>() / 2);
      reading.round_trip_p99_9_ns = std::max(reading.round_trip_p99_9_ns, result["round_trip"]["p99_9_ns"].get<double>());
      reading.round_trip_max_ns = std::max(reading.round_trip_max_ns, result["round_trip"]["max_ns"].get<double>());
    }
    reading.switch_ns = Median(switch_ns);
    return reading;
  }

  void Note(const std::string& name, const Reading& reading, double base_ns) {
    Way& way = ways_[name];
    way.added_ns.push_back(reading.switch_ns - base_ns);
    way.p99_9_ns.push_back(reading.round_trip_p99_9_ns);
    way.max_ns = std::max(way.max_ns, reading.round_trip_max_ns);
  }

  // Measures what `watched` measures between two bases, and notes all of it.
  void BetweenBases(const std::function<std::map<std::string, Reading>()>& watched) {
    const Reading before = Measure();
    const std::map<std::string, Reading> readings = watched();
    const Reading after = Measure();
    const double base_ns = (before.switch_ns + after.switch_ns) / 2;
    Note("base", before, 0);
    Note("base", after, 0);
    for (const auto& [name, reading] : readings) Note(name, reading, base_ns);
  }

  void EmptyGroup() {
    BetweenBases([this] {
      EmptyHook hook;
      return std::map<std::string, Reading>{{"empty hook", Measure()}};
    });
  }

  void DaemonGroup() {
    BetweenBases([this]() -> std::map<std::string, Reading> {
      DaemonUnderTest::Options options;
      options.cpus = {watcher_cpu_};
      DaemonUnderTest daemon(options);
      if (const absl::Status started = daemon.Start(); !started.ok()) {
        ways_["watched"].why_not = ways_["bystander"].why_not = std::string(started.message());
        return {};
      }
      const Reading bystander = Measure();
      const auto attached = daemon.Attach(game_.pid());
      if (!attached.ok()) {
        ways_["watched"].why_not = std::string(attached.status().message());
        return {{"bystander", bystander}};
      }
      const Reading watched = Measure();
      return {{"bystander", bystander}, {"watched", watched}};
    });
  }

  void PerfGroup() {
    if (!ways_["perf sched record"].why_not.empty()) return;
    BetweenBases([this]() -> std::map<std::string, Reading> {
      const auto perf = ForeignTool::PerfSchedRecord(watcher_cpu_, folder_ + "/perf.data", &ways_["perf sched record"].why_not);
      if (perf == nullptr) return {};
      return {{"perf sched record", Measure()}};
    });
  }

  void BpftraceGroup() {
    if (!ways_["bpftrace histogram"].why_not.empty()) return;
    BetweenBases([this]() -> std::map<std::string, Reading> {
      const auto bpftrace = ForeignTool::BpftraceHistogram(watcher_cpu_, &ways_["bpftrace histogram"].why_not);
      if (bpftrace == nullptr) return {};
      return {{"bpftrace histogram", Measure()}};
    });
  }

  const int watcher_cpu_;
  const int64_t switches_;
  WorkloadRun game_;
  DaemonUnderTest scratch_;  // never started: its temporary folder holds perf's file
  const std::string folder_ = scratch_.folder();
  std::map<std::string, Way> ways_;
};

struct Gate {
  std::string name;
  double value = 0;
  double limit = 0;
  bool at_most = true;
  bool holds() const { return at_most ? value <= limit : value >= limit; }
};

std::vector<Gate> Gates(const std::map<std::string, Way>& ways) {
  const auto added = [&ways](const char* name) -> std::optional<double> {
    const auto way = ways.find(name);
    if (way == ways.end() || way->second.added_ns.empty()) return std::nullopt;
    return Median(way->second.added_ns);
  };
  std::vector<Gate> gates;
  const auto empty = added("empty hook");
  const auto watched = added("watched");
  const auto bystander = added("bystander");
  const auto perf = added("perf sched record");
  if (empty && watched) gates.push_back({"watched above the empty hook, ns", *watched - *empty, kGateWatchedNs, true});
  if (empty && bystander) gates.push_back({"bystander above the empty hook, ns", *bystander - *empty, kGateBystanderNs, true});
  if (perf && watched) gates.push_back({"perf sched record / watched", *perf / std::max(*watched, 1.0), kGatePerfRatio, false});
  return gates;
}

json Machine() {
  utsname kernel{};
  uname(&kernel);
  std::string model = "unknown";
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    if (line.starts_with("model name")) {
      model = line.substr(line.find(':') + 2);
      break;
    }
  }
  char date[32];
  const time_t now = time(nullptr);
  std::strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
  return {{"kernel", kernel.release},
          {"machine", kernel.machine},
          {"cpu_model", model},
          {"cpus", workload::InheritedCpus().size()},
          {"date", date}};
}

json Report(const std::map<std::string, Way>& ways, const std::vector<Gate>& gates, int rounds) {
  json rows = json::array();
  for (const auto& [name, way] : ways) {
    json row{{"way", name}};
    if (way.added_ns.empty()) {
      row["unavailable"] = way.why_not;
    } else {
      const auto [least, most] = std::minmax_element(way.added_ns.begin(), way.added_ns.end());
      row.update({{name == "base" ? "switch_ns" : "added_ns", Median(way.added_ns)},
                  {"least_ns", *least},
                  {"most_ns", *most},
                  {"round_trip_p99_9_ns", Median(way.p99_9_ns)},
                  {"round_trip_max_ns", way.max_ns}});
    }
    rows.push_back(row);
  }
  json verdicts = json::array();
  for (const Gate& gate : gates) {
    verdicts.push_back(
        {{"gate", gate.name}, {"value", gate.value}, {gate.at_most ? "at_most" : "at_least", gate.limit}, {"holds", gate.holds()}});
  }
  return {{"bench", "switch_cost"}, {"rounds", rounds}, {"host", Machine()}, {"ways", rows}, {"gates", verdicts}};
}

void Print(const json& report) {
  std::printf("Cost of watching a context switch. %s, Linux %s, %s, %d rounds, medians\n\n",
              report["host"]["cpu_model"].get<std::string>().c_str(), report["host"]["kernel"].get<std::string>().c_str(),
              report["host"]["date"].get<std::string>().c_str(), report["rounds"].get<int>());
  std::printf("  %-22s %10s %10s %10s %14s %14s\n", "way", "adds ns", "least", "most", "p99.9 2 sw. ns", "max 2 sw. ns");
  for (const json& row : report["ways"]) {
    if (row.contains("unavailable")) {
      std::printf("  %-22s not measured: %s\n", row["way"].get<std::string>().c_str(), row["unavailable"].get<std::string>().c_str());
      continue;
    }
    const bool base = row.contains("switch_ns");
    std::printf("  %-22s %10.1f %10.1f %10.1f %14.0f %14.0f\n", base ? "base (whole switch)" : row["way"].get<std::string>().c_str(),
                row[base ? "switch_ns" : "added_ns"].get<double>(), row["least_ns"].get<double>(), row["most_ns"].get<double>(),
                row["round_trip_p99_9_ns"].get<double>(), row["round_trip_max_ns"].get<double>());
  }
  std::printf("\n");
  for (const json& gate : report["gates"]) {
    const bool at_most = gate.contains("at_most");
    std::printf("  %-4s %s: %.1f, %s %.0f\n", gate["holds"] ? "PASS" : "FAIL", gate["gate"].get<std::string>().c_str(),
                gate["value"].get<double>(), at_most ? "at most" : "at least", gate[at_most ? "at_most" : "at_least"].get<double>());
  }
}

// perf and bpftrace need tracefs: mounted for this process and its children alone.
void MountTracefsPrivately() {
  if (unshare(CLONE_NEWNS) == 0 && mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0) {
    mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, nullptr);
    mount("debugfs", "/sys/kernel/debug", "debugfs", 0, nullptr);
  }
}

int Main(int argc, char** argv) {
  const workload::Arguments arguments(argc, argv, {"rounds", "switches", "cpu", "json"}, {});
  if (const std::string why = WhyNotPrivileged(); !why.empty()) {
    std::fprintf(stderr, "switch_cost_bench %s\n", why.c_str());
    return 3;
  }
  const int rounds = static_cast<int>(arguments.Number("rounds", 15, 1, 1'000));
  const int64_t switches = arguments.Number("switches", 200'000, 10'000, 10'000'000);
  const int cpu = workload::ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20));
  const int watcher_cpu = workload::OtherCpu(cpu);
  if (watcher_cpu < 0) {
    std::fprintf(stderr, "one CPU only: what watches would take the time of what is watched. Give two CPUs\n");
    return 3;
  }
  MountTracefsPrivately();
  Bench bench(cpu, watcher_cpu, switches);
  workload::PinTo(watcher_cpu);
  bench.Run(rounds);
  const std::vector<Gate> gates = Gates(bench.ways());
  const json report = Report(bench.ways(), gates, rounds);
  Print(report);
  if (const std::string file = arguments.Text("json", ""); !file.empty()) std::ofstream(file) << report.dump(2) << "\n";
  // A daemon that could not be measured has passed no gate; a tool that is not installed only leaves its comparison out.
  for (const char* way : {"watched", "bystander"}) {
    if (bench.ways().at(way).added_ns.empty()) return 3;
  }
  return std::all_of(gates.begin(), gates.end(), [](const Gate& gate) { return gate.holds(); }) ? 0 : 2;
}

}  // namespace
}  // namespace hftmon::testing

int main(int argc, char** argv) {
  return hftmon::testing::Main(argc, argv);
}
