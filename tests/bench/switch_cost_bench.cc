// switch_cost_bench: nanoseconds that each way of watching adds to a context switch, all in one run.
//
// Two threads on one CPU wake each other through a futex (tests/workloads/ping_pong, SCHED_BATCH: every switch is voluntary and alike).
// What does the watching runs on the other CPU. How noise is kept out, on hosts that are shared:
// - A game is 10,000 switches; its time is the mean of the middle half of its round trips: no interrupt, no preemption.
// - A round starts a new workload process (where its stacks lie matters by 20 ns) and goes four times round base, empty hook, bystander,
//   watched and off, with a visit of four games each after one that warms the caches. The last three are the daemon's programs alone, as
//   the empty hook is one: nothing reads what they write. Each is visited with on_waking too, which runs once a switch here: who is woken
//   is asked about (watched) or not (bystander).
// - A way's time in a round is the lower quintile of its games: a neighbour on the same core makes whole games a third slower, and nothing
//   makes one faster. Ways are compared within a round; the median over the rounds is reported, and its 95 % confidence interval.
// - What takes long to start joins every fourth round, with its reading thread on the other CPU: the daemon itself, perf, bpftrace. Where
//   the two CPUs are siblings of one core, that thread's work is in the figure.
// --own leaves out what is slow to start. Prints a table, and one JSON object with --json FILE. Exit code: 0 when the gates hold, 2 when
// one does not, 3 when the daemon could not be measured, 77 when this host cannot measure at all.
#include <sched.h>
#include <sys/mount.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
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
constexpr int kCannotMeasure = 77;
constexpr int kGamesAVisit = 4;  // that count; one more warms up
constexpr int kGamesASlowVisit = 12;
constexpr int kTurnsARound = 4;
constexpr int kUncountedGames = 6;
constexpr int kRoundsASlowOne = 4;  // what takes long to start is visited every so many rounds

constexpr double kShare = 0.2;
constexpr char kWholeDaemon[] = "watched, whole daemon";

struct Way {
  std::map<int, std::vector<double>> games_ns;  // by round: one switch, of each game
  std::vector<double> p99_9_ns;
  double max_ns = 0;
  std::string why_not;  // set when it could not be measured
  bool measured() const { return !games_ns.empty(); }
};

// The value below which `share` of them lie.
double Quantile(std::vector<double> values, double share) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

struct Estimate {
  double ns = 0;
  double low_ns = 0;  // 95 % confidence: whatever the distribution, the median lies between these ranks
  double high_ns = 0;
};

Estimate MedianOf(std::vector<double> values) {
  if (values.empty()) return {};
  const double reach = 0.98 / std::sqrt(static_cast<double>(values.size()));
  return {.ns = Quantile(values, 0.5),
          .low_ns = Quantile(values, std::max(0.5 - reach, 0.0)),
          .high_ns = Quantile(values, std::min(0.5 + reach, 1.0))};
}

// What `way` takes more than `floor`, in the rounds that have both.
Estimate Above(const Way& way, const Way& floor) {
  std::vector<double> differences_ns;
  for (const auto& [round, games_ns] : way.games_ns) {
    const auto found = floor.games_ns.find(round);
    if (found != floor.games_ns.end()) differences_ns.push_back(Quantile(games_ns, kShare) - Quantile(found->second, kShare));
  }
  return MedianOf(differences_ns);
}

Estimate Whole(const Way& way) {
  std::vector<double> values_ns;
  for (const auto& [round, games_ns] : way.games_ns) values_ns.push_back(Quantile(games_ns, kShare));
  return MedianOf(values_ns);
}

class Bench {
 public:
  Bench(int cpu, int watcher_cpu, int64_t switches) : cpu_(cpu), watcher_cpu_(watcher_cpu), switches_(switches) {}

  void Run(int rounds, bool own_only) {
    for (round_ = 0; round_ < rounds; ++round_) {
      std::fprintf(stderr, "\rround %d of %d", round_ + 1, rounds);
      WorkloadRun game("ping_pong", {"--batch", "--cpu", std::to_string(cpu_)});
      game_ = &game;
      for (int turn = 0; turn < kTurnsARound; ++turn) QuickTurn();
      if (!own_only && round_ % kRoundsASlowOne == 0) SlowVisits();
      game_ = nullptr;
    }
    std::fprintf(stderr, "\n");
  }

  const std::map<std::string, Way>& ways() const { return ways_; }

 private:
  void Visit(const std::string& name, int games = kGamesAVisit) {
    Way& way = ways_[name];
    double p99_9_ns = 0;
    for (int i = 0; i <= games; ++i) {
      const json trip = game_->Act(std::to_string(switches_))["round_trip"];
      if (i == 0) continue;
      way.games_ns[round_].push_back(trip["middle_half_mean_ns"].get<double>() / 2);
      p99_9_ns = std::max(p99_9_ns, trip["p99_9_ns"].get<double>());
      way.max_ns = std::max(way.max_ns, trip["max_ns"].get<double>());
    }
    way.p99_9_ns.push_back(p99_9_ns);
  }

  void QuickTurn() {
    OwnPrograms programs;
    // The kernel frees the last turn's maps meanwhile, which takes every CPU's time.
    for (int i = 0; i < kUncountedGames; ++i) game_->Act(std::to_string(switches_));
    Visit("base");
    {
      EmptyHook hook;
      Visit("empty hook");
    }
    programs.Attach();
    Visit("bystander");
    programs.NameWakers(true);
    Visit("bystander, on_waking");
    programs.NameWakers(false);
    programs.Watch(game_->pid());
    Visit("watched");
    programs.NameWakers(true, game_->pid());
    Visit("watched, on_waking");
    // With wakers named there is a second hook at each switch, off or not: first both, then on_switch alone.
    programs.TurnOff();
    Visit("hftmon off, on_waking");
    programs.NameWakers(false);
    Visit("hftmon off");
  }

  void SlowVisits() {
    VisitDaemon();
    VisitForeign("perf sched record",
                 [this](std::string* why_not) { return ForeignTool::PerfSchedRecord(watcher_cpu_, folder_ + "/perf.data", why_not); });
    VisitForeign("bpftrace histogram", [this](std::string* why_not) { return ForeignTool::BpftraceHistogram(watcher_cpu_, why_not); });
  }

  void VisitDaemon() {
    DaemonUnderTest::Options options;
    options.cpus = {watcher_cpu_};
    DaemonUnderTest daemon(options);
    absl::Status status = daemon.Start();
    if (status.ok()) status = daemon.Attach(game_->pid()).status();
    if (status.ok()) {
      Visit(kWholeDaemon, kGamesASlowVisit);
    } else {
      ways_[kWholeDaemon].why_not = std::string(status.message());
    }
  }

  void VisitForeign(const std::string& name, const std::function<std::unique_ptr<ForeignTool>(std::string*)>& start) {
    if (!ways_[name].why_not.empty()) return;
    const std::unique_ptr<ForeignTool> tool = start(&ways_[name].why_not);
    if (tool != nullptr) Visit(name, kGamesASlowVisit);
  }

  const int cpu_;
  const int watcher_cpu_;
  const int64_t switches_;
  int round_ = 0;
  WorkloadRun* game_ = nullptr;  // of the round
  DaemonUnderTest scratch_;      // never started: its temporary folder holds perf's file
  const std::string folder_ = scratch_.folder();
  std::map<std::string, Way> ways_;
};

struct Gate {
  std::string name;
  Estimate value;
  double limit = 0;
  bool at_most = true;
  bool holds() const { return at_most ? value.ns <= limit : value.ns >= limit; }
};

std::vector<Gate> Gates(const std::map<std::string, Way>& ways) {
  std::vector<Gate> gates;
  gates.push_back({"watched above the empty hook, ns", Above(ways.at("watched"), ways.at("empty hook")), kGateWatchedNs, true});
  gates.push_back({"bystander above the empty hook, ns", Above(ways.at("bystander"), ways.at("empty hook")), kGateBystanderNs, true});
  if (!ways.contains(kWholeDaemon)) return gates;  // --own
  const Way& daemon = ways.at(kWholeDaemon);
  const Way& perf = ways.at("perf sched record");
  if (daemon.measured() && perf.measured()) {
    const double ratio = Above(perf, ways.at("base")).ns / std::max(Above(daemon, ways.at("base")).ns, 1.0);
    gates.push_back({"perf sched record / watched by the whole daemon", {.ns = ratio}, kGatePerfRatio, false});
  }
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
    if (!way.measured()) {
      row["unavailable"] = way.why_not;
    } else {
      const bool base = name == "base";
      const Estimate estimate = base ? Whole(way) : Above(way, ways.at("base"));
      row.update({{base ? "switch_ns" : "added_ns", estimate.ns},
                  {"low_ns", estimate.low_ns},
                  {"high_ns", estimate.high_ns},
                  {"round_trip_p99_9_ns", Quantile(way.p99_9_ns, 0.5)},
                  {"round_trip_max_ns", way.max_ns}});
    }
    rows.push_back(row);
  }
  json verdicts = json::array();
  for (const Gate& gate : gates) {
    verdicts.push_back({{"gate", gate.name},
                        {"value", gate.value.ns},
                        {"low", gate.value.low_ns},
                        {"high", gate.value.high_ns},
                        {gate.at_most ? "at_most" : "at_least", gate.limit},
                        {"holds", gate.holds()}});
  }
  return {{"bench", "switch_cost"}, {"rounds", rounds}, {"host", Machine()}, {"ways", rows}, {"gates", verdicts}};
}

void Print(const json& report) {
  std::printf("Cost of watching a context switch. %s, Linux %s, %s, %d rounds\n\n", report["host"]["cpu_model"].get<std::string>().c_str(),
              report["host"]["kernel"].get<std::string>().c_str(), report["host"]["date"].get<std::string>().c_str(),
              report["rounds"].get<int>());
  std::printf("  %-22s %10s %10s %10s %14s %14s\n", "way", "adds ns", "95 % from", "to", "p99.9 2 sw. ns", "max 2 sw. ns");
  for (const json& row : report["ways"]) {
    if (row.contains("unavailable")) {
      std::printf("  %-22s not measured: %s\n", row["way"].get<std::string>().c_str(), row["unavailable"].get<std::string>().c_str());
      continue;
    }
    const bool base = row.contains("switch_ns");
    std::printf("  %-22s %10.1f %10.1f %10.1f %14.0f %14.0f\n", base ? "base (whole switch)" : row["way"].get<std::string>().c_str(),
                row[base ? "switch_ns" : "added_ns"].get<double>(), row["low_ns"].get<double>(), row["high_ns"].get<double>(),
                row["round_trip_p99_9_ns"].get<double>(), row["round_trip_max_ns"].get<double>());
  }
  std::printf("\n");
  for (const json& gate : report["gates"]) {
    const bool at_most = gate.contains("at_most");
    std::printf("  %-4s %s: %.1f, %s %.0f", gate["holds"] ? "PASS" : "FAIL", gate["gate"].get<std::string>().c_str(),
                gate["value"].get<double>(), at_most ? "at most" : "at least", gate[at_most ? "at_most" : "at_least"].get<double>());
    if (gate["high"] != 0.0) std::printf(" (95 %%: %.1f to %.1f)", gate["low"].get<double>(), gate["high"].get<double>());
    std::printf("\n");
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
  const workload::Arguments arguments(argc, argv, {"rounds", "switches", "cpu", "json"}, {"own"});
  if (const std::string why = WhyNotPrivileged(); !why.empty()) {
    std::fprintf(stderr, "switch_cost_bench %s\n", why.c_str());
    return kCannotMeasure;
  }
  const int rounds = static_cast<int>(arguments.Number("rounds", 40, 1, 1'000));
  const int64_t switches = arguments.Number("switches", 10'000, 1'000, 10'000'000);
  const int cpu = workload::ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20));
  const int watcher_cpu = workload::OtherCpu(cpu);
  if (watcher_cpu < 0) {
    std::fprintf(stderr, "one CPU only: what watches would take the time of what is watched. Give two CPUs\n");
    return kCannotMeasure;
  }
  MountTracefsPrivately();
  Bench bench(cpu, watcher_cpu, switches);
  bench.Run(rounds, arguments.Flag("own"));
  const std::vector<Gate> gates = Gates(bench.ways());
  const json report = Report(bench.ways(), gates, rounds);
  Print(report);
  if (const std::string file = arguments.Text("json", ""); !file.empty()) std::ofstream(file) << report.dump(2) << "\n";
  // A daemon that could not be measured has passed no gate; a tool that is not installed only leaves its comparison out.
  if (!arguments.Flag("own") && !bench.ways().at(kWholeDaemon).measured()) return 3;
  return std::all_of(gates.begin(), gates.end(), [](const Gate& gate) { return gate.holds(); }) ? 0 : 2;
}

}  // namespace
}  // namespace hftmon::testing

int main(int argc, char** argv) {
  return hftmon::testing::Main(argc, argv);
}
