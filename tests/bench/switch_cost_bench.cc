// switch_cost_bench: nanoseconds that each way of watching adds to a context switch, all in one run.
//
// Two threads on one CPU wake each other through a futex (tests/workloads/ping_pong, SCHED_BATCH: every switch is voluntary and alike).
// What does the watching runs on the other CPU. How noise is kept out, on hosts that are shared (see also paired_rounds.h):
// - A game is 10,000 switches; its time is the mean of the middle half of its round trips: no interrupt, no preemption.
// - A round starts a new workload process (where its stacks lie matters by 20 ns) and goes four times round base, empty hook, bystander,
//   watched and off, with a visit of four games each after one that warms the caches. The last three are the daemon's programs alone, as
//   the empty hook is one: nothing reads what they write. Each is visited with on_waking too, which runs once a switch here: who is woken
//   is asked about (watched) or not (bystander).
// - What a watched switch takes more than a bystander's is measured in pairs of games between which nothing is loaded: the same programs,
//   pages and slots, and the process's bit set or not. Visits, between which maps move, differ by 10 ns from run to run, pairs by 2. To
//   that the bystander's own cost above the empty hook is added.
// - What takes long to start joins every fourth round, with its reading thread on the other CPU: the daemon itself, perf, bpftrace. Where
//   the two CPUs are siblings of one core, that thread's work is in the figure.
// --own leaves out what is slow to start. Prints a table, and one JSON object with --json FILE. Exit code: 0 when the gates hold, 2 when
// one does not, 3 when the daemon could not be measured, 77 when this host cannot measure at all.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/bench/bench_host.h"
#include "tests/bench/empty_hook.h"
#include "tests/bench/foreign_tool.h"
#include "tests/bench/gate.h"
#include "tests/bench/own_programs.h"
#include "tests/bench/paired_rounds.h"
#include "tests/privileged/harness/daemon_under_test.h"
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
constexpr int kPairsARound = 12;
constexpr int kRoundsASlowOne = 4;  // what takes long to start is visited every so many rounds

constexpr char kWholeDaemon[] = "watched, whole daemon";

// As runqlat.bt of bpftrace: a time stamp at each wake-up and preemption, a histogram at each switch-in.
constexpr char kRunQueueHistogram[] = R"(
tracepoint:sched:sched_wakeup, tracepoint:sched:sched_wakeup_new { @queued[args->pid] = nsecs; }
tracepoint:sched:sched_switch {
  if (args->prev_state == 0) { @queued[args->prev_pid] = nsecs; }
  $since = @queued[args->next_pid];
  if ($since) { @run_queue_us = hist((nsecs - $since) / 1000); }
  delete(@queued[args->next_pid]);
}
)";

// What hftmon counts of a thread with the probe group "locks": waits, their sum and maximum by system call.
constexpr char kBlockedByCall[] = R"(
tracepoint:raw_syscalls:sys_enter { @call[tid] = args->id; }
tracepoint:raw_syscalls:sys_exit { delete(@call[tid]); }
tracepoint:sched:sched_switch {
  if (@call[args->prev_pid]) { @since[args->prev_pid] = nsecs; }
  if (@since[args->next_pid]) {
    $ns = nsecs - @since[args->next_pid];
    @blocked[args->next_pid, @call[args->next_pid]] = stats($ns);
    @longest[args->next_pid, @call[args->next_pid]] = max($ns);
    delete(@since[args->next_pid]);
  }
}
)";

class Bench {
 public:
  Bench(int cpu, int watcher_cpu, int64_t switches) : cpu_(cpu), watcher_cpu_(watcher_cpu), switches_(switches) {}

  void Run(int rounds, bool own_only) {
    for (round_ = 0; round_ < rounds; ++round_) {
      std::fprintf(stderr, "\rround %d of %d", round_ + 1, rounds);
      WorkloadRun game("ping_pong", {"--batch", "--cpu", std::to_string(cpu_)});
      game_ = &game;
      for (int turn = 0; turn < kTurnsARound; ++turn) QuickTurn();
      PlayPairs();
      if (!own_only && round_ % kRoundsASlowOne == 0) SlowVisits();
      game_ = nullptr;
    }
    std::fprintf(stderr, "\n");
  }

  const std::map<std::string, Way>& ways() const { return ways_; }
  // What a watched switch takes more than a bystander's: the median over the rounds, whose pairs share a process and a load.
  Estimate watched_in_pairs() const { return MedianOf(pairs_ns_); }

 private:
  double GameNs() { return RoundTrip()["middle_half_mean_ns"].get<double>() / 2; }
  // After one game of the kind that warms the caches.
  double GameNs(OwnPrograms& programs, bool watched) {
    programs.SetBit(game_->pid(), watched);
    GameNs();
    return GameNs();
  }
  json RoundTrip() { return game_->Act(std::to_string(switches_))["round_trip"]; }

  void PlayPairs() {
    OwnPrograms programs;
    programs.Attach();
    programs.Watch(game_->pid());
    for (int i = 0; i < kUncountedGames; ++i) GameNs();
    std::vector<double> differences_ns;
    for (int pair = 0; pair < kPairsARound; ++pair) {
      const bool watched_first = pair % 2 == 0;
      const double first_ns = GameNs(programs, watched_first);
      const double second_ns = GameNs(programs, !watched_first);
      differences_ns.push_back(watched_first ? first_ns - second_ns : second_ns - first_ns);
    }
    pairs_ns_.push_back(MedianOf(differences_ns).ns);
  }

  void Visit(const std::string& name, int games = kGamesAVisit) {
    Way& way = ways_[name];
    double p99_9_ns = 0;
    for (int i = 0; i <= games; ++i) {
      const json trip = RoundTrip();
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
    for (int i = 0; i < kUncountedGames; ++i) GameNs();
    Visit("base");
    {
      EmptyHook hook({"sched_switch"});
      Visit("empty hook");
    }
    programs.Attach();
    Visit("bystander");
    programs.NameWakers(true);
    Visit("bystander, on_waking");
    programs.NameWakers(false);
    programs.Watch(game_->pid());
    Visit("watched");
    programs.SumCalls(true, game_->pid());
    Visit("watched, locks");
    programs.SumCalls(false, game_->pid());
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
    VisitForeign("bpftrace histogram",
                 [this](std::string* why_not) { return ForeignTool::Bpftrace(watcher_cpu_, kRunQueueHistogram, why_not); });
    VisitForeign("bpftrace, locks", [this](std::string* why_not) { return ForeignTool::Bpftrace(watcher_cpu_, kBlockedByCall, why_not); });
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
  std::vector<double> pairs_ns_;  // of each round
};

std::vector<Gate> Gates(const std::map<std::string, Way>& ways, const Estimate& watched_in_pairs) {
  std::vector<Gate> gates;
  const Estimate bystander = Above(ways.at("bystander"), ways.at("empty hook"));
  gates.push_back({"watched above the empty hook (bystander + pairs), ns", Sum(bystander, watched_in_pairs), kGateWatchedNs, true});
  gates.push_back({"bystander above the empty hook, ns", bystander, kGateBystanderNs, true});
  if (!ways.contains(kWholeDaemon)) return gates;  // --own
  const Way& daemon = ways.at(kWholeDaemon);
  const Way& perf = ways.at("perf sched record");
  if (daemon.measured() && perf.measured()) {
    const double ratio = Above(perf, ways.at("base")).ns / std::max(Above(daemon, ways.at("base")).ns, 1.0);
    gates.push_back({"perf sched record / watched by the whole daemon", {.ns = ratio}, kGatePerfRatio, false});
  }
  return gates;
}

json Report(const std::map<std::string, Way>& ways, const Estimate& watched_in_pairs, const std::vector<Gate>& gates, int rounds) {
  json rows = json::array();
  for (const auto& [name, way] : ways) {
    json row = RowOf(name, way, ways.at("base"), "switch");
    if (way.measured()) row.update({{"round_trip_p99_9_ns", Quantile(way.p99_9_ns, 0.5)}, {"round_trip_max_ns", way.max_ns}});
    rows.push_back(row);
  }
  return {{"bench", "switch_cost"},
          {"rounds", rounds},
          {"host", DescribeHost()},
          {"ways", rows},
          {"watched_above_bystander_in_pairs",
           {{"ns", watched_in_pairs.ns}, {"low_ns", watched_in_pairs.low_ns}, {"high_ns", watched_in_pairs.high_ns}}},
          {"gates", ToJson(gates)}};
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
  PrintRangeNote(report["ways"]);
  const json& pairs = report["watched_above_bystander_in_pairs"];
  std::printf("\n  watched above bystander, pairs of games: %.1f ns (95 %%: %.1f to %.1f)\n", pairs["ns"].get<double>(),
              pairs["low_ns"].get<double>(), pairs["high_ns"].get<double>());
  std::printf("\n");
  PrintGates(report["gates"], "PASS", "FAIL");
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
  const std::vector<Gate> gates = Gates(bench.ways(), bench.watched_in_pairs());
  const json report = Report(bench.ways(), bench.watched_in_pairs(), gates, rounds);
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
