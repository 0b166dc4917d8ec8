// interrupt_cost_bench: nanoseconds that each way of watching adds to an interrupt, entry and exit together, all in one run.
//
// One thread has interrupts one at a time and times each (tests/workloads/timed_interrupts): softirqs within its own call, local timers and
// function-call IPIs as gaps in its reading of the clock. That thread is SCHED_FIFO; the IPIs' sender, and what does the watching, run on
// the other CPU. How noise is kept out, on hosts that are shared (see also paired_rounds.h):
// - A round starts a new workload process and goes four times round base, empty hooks (at the same two tracepoints), bystander (nobody who
//   is interrupted is watched), watched and off, with a visit of four games of each kind after one that warms the caches. The last three
//   are the daemon's programs alone, as the empty hooks are: nothing reads what they write.
// - What takes long to start joins every fourth round, with its reading thread on the other CPU: the daemon itself, bpftrace.
// What the daemon's programs counted says that an event is one interrupt: on the CPU, and of the watched thread (less where the host hides
// the switch that put the thread on its CPU, see tests/privileged/harness/switch_witness.h).
// --own leaves out what is slow to start. Prints a table for each kind, and one JSON object with --json FILE. What is printed as an aim is
// none that fails: exit code 0 when there are all figures, 3 when one of the daemon's could not be measured, 77 when this host cannot
// measure at all. A kind that this machine has no tracepoint for has no figure, and no program of the daemon's either.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <fstream>
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

constexpr double kAimNs = 60;  // above the empty hooks
constexpr int kNoFigures = 3;
constexpr int kCannotMeasure = 77;
constexpr int kGamesAVisit = 4;  // that count; one more warms up
constexpr int kGamesASlowVisit = 12;
constexpr int kTurnsARound = 4;
constexpr int kUncountedGames = 4;
constexpr int kRoundsASlowOne = 4;  // what takes long to start is visited every so many rounds
constexpr uint32_t kNetRx = 3;      // the kernel's softirq vector

constexpr char kBase[] = "base";
constexpr char kEmpty[] = "empty hooks";
constexpr char kBystander[] = "bystander";
constexpr char kWatched[] = "watched";
constexpr char kOff[] = "hftmon off";
constexpr char kWholeDaemon[] = "watched, whole daemon";
constexpr char kBpftrace[] = "bpftrace histogram";

struct Kind {
  const char* word;   // the workload's
  const char* event;  // what is timed
  const char* group;  // of its tracepoints, POINT_entry and POINT_exit
  const char* point;
  uint32_t source;  // enum hft_interrupt_source
  int events;       // of a game
};
constexpr std::array<Kind, 3> kKinds = {{
    {"softirq", "a datagram to itself, received in one NET_RX softirq", "irq", "softirq", HFT_SOURCE_SOFTIRQ + kNetRx, 4'000},
    {"timer", "the gap of one local timer interrupt", "irq_vectors", "local_timer", HFT_SOURCE_LOCAL_TIMER, 400},
    {"ipi", "the gap of one function-call IPI", "irq_vectors", "call_function_single", HFT_SOURCE_CALL_FUNCTION, 400},
}};

// As BCC's softirqs and hardirqs: a time stamp at the entry, a histogram at the exit.
std::string HistogramProbes(const Kind& kind) {
  const std::string group = kind.group;
  const std::string point = kind.point;
  const std::string begin = "@" + point + "_begin[cpu]";
  return "tracepoint:" + group + ":" + point + "_entry { " + begin + " = nsecs; }\n" + "tracepoint:" + group + ":" + point + "_exit /" +
         begin + "/ { @" + point + "_ns = hist(nsecs - " + begin + "); delete(" + begin + "); }\n";
}

// What the daemon's programs counted while they were visited.
struct Counts {
  uint64_t timed_count = 0;   // events
  uint64_t missed_count = 0;  // events that were not timed: their interrupts may have come
  int64_t duration_ns = 0;
  uint64_t cpu_count = 0;     // of the kind's source on the CPU
  uint64_t thread_count = 0;  // of these, taken from the watched thread
};

struct KindResult {
  std::map<std::string, Way> ways;
  std::map<std::string, Counts> counts;  // by way
  std::string why_not;                   // set when this kernel has no tracepoint
};

class Bench {
 public:
  Bench(int cpu, int watcher_cpu) : cpu_(cpu), watcher_cpu_(watcher_cpu) {}

  // Empty, or why nothing can be measured.
  std::string Run(int rounds, bool own_only) {
    FindKinds();
    for (round_ = 0; round_ < rounds; ++round_) {
      std::fprintf(stderr, "\rround %d of %d", round_ + 1, rounds);
      WorkloadRun game("timed_interrupts", {"--cpu", std::to_string(cpu_)});
      if (!game.about().is_object()) return "timed_interrupts did not start";
      std::string refused = game.about()["refused"];
      if (!refused.empty()) return refused;
      game_ = &game;
      for (int turn = 0; turn < kTurnsARound; ++turn) QuickTurn();
      if (!own_only && round_ % kRoundsASlowOne == 0) SlowVisits();
      game_ = nullptr;
    }
    std::fprintf(stderr, "\n");
    return "";
  }

  const std::array<KindResult, kKinds.size()>& results() const { return results_; }

 private:
  void FindKinds() {
    const OwnPrograms programs;
    for (size_t i = 0; i < kKinds.size(); ++i) results_[i].why_not = programs.WhyMissing("on_" + std::string(kKinds[i].point) + "_enter");
  }

  // One game of the kind: the summary of its events' times; null when none came.
  json Play(const Kind& kind) {
    const json result = game_->Act(std::string(kind.word) + " " + std::to_string(kind.events));
    if (!result.is_object()) return json();
    timed_count_ += result["events"].get<uint64_t>();
    missed_count_ += result["missed"].get<uint64_t>();
    return result.contains("event") ? result["event"] : json();
  }

  // `programs` are those in force, if they are the daemon's without the daemon.
  void Visit(const std::string& name, const OwnPrograms* programs = nullptr, int games = kGamesAVisit) {
    for (size_t i = 0; i < kKinds.size(); ++i) {
      if (!results_[i].why_not.empty()) continue;
      const Counts before = programs == nullptr ? Counts() : Read(*programs, kKinds[i]);
      VisitKind(i, name, games);
      if (programs == nullptr) continue;
      const Counts after = Read(*programs, kKinds[i]);
      Counts& counts = results_[i].counts[name];
      counts.timed_count += after.timed_count - before.timed_count;
      counts.missed_count += after.missed_count - before.missed_count;
      counts.duration_ns += after.duration_ns - before.duration_ns;
      counts.cpu_count += after.cpu_count - before.cpu_count;
      counts.thread_count += after.thread_count - before.thread_count;
    }
  }

  void VisitKind(size_t index, const std::string& name, int games) {
    Way& way = results_[index].ways[name];
    double p99_9_ns = 0;
    for (int i = 0; i <= games; ++i) {
      const json event = Play(kKinds[index]);
      if (i == 0 || event.is_null()) continue;
      way.games_ns[round_].push_back(event["middle_half_mean_ns"].get<double>());
      p99_9_ns = std::max(p99_9_ns, event["p99_9_ns"].get<double>());
      way.max_ns = std::max(way.max_ns, event["max_ns"].get<double>());
    }
    if (p99_9_ns > 0) way.p99_9_ns.push_back(p99_9_ns);
    if (!way.measured()) way.why_not = "no interrupt came in time";
  }

  Counts Read(const OwnPrograms& programs, const Kind& kind) const {
    const auto relaxed = [](const auto& word) {
      using Word = std::remove_cvref_t<decltype(word)>;
      return std::atomic_ref<Word>(const_cast<Word&>(word)).load(std::memory_order_relaxed);
    };
    const KernelView& view = programs.view();
    Counts counts{.timed_count = timed_count_, .missed_count = missed_count_, .duration_ns = workload::NowNs()};
    counts.cpu_count = relaxed(view.interrupts[static_cast<size_t>(cpu_)].sums[kind.source].count);
    const uint16_t slot = relaxed(view.slot_of_tid[game_->about()["tid"].get<size_t>()]);
    if (slot != HFT_NO_SLOT) counts.thread_count = relaxed(view.stolen[slot].count[kind.source]);
    return counts;
  }

  void QuickTurn() {
    OwnPrograms programs;
    // The kernel frees the last turn's maps meanwhile, which takes every CPU's time.
    for (int i = 0; i < kUncountedGames; ++i) Play(kKinds[0]);
    Visit(kBase);
    {
      std::vector<std::string> tracepoints;
      for (size_t i = 0; i < kKinds.size(); ++i) {
        if (!results_[i].why_not.empty()) continue;
        for (const char* end : {"_entry", "_exit"}) tracepoints.push_back(std::string(kKinds[i].point) + end);
      }
      EmptyHook hook(tracepoints);
      Visit(kEmpty);
    }
    programs.Attach();
    Visit(kBystander, &programs);
    programs.Watch(game_->pid());
    Visit(kWatched, &programs);
    programs.TurnOff();
    Visit(kOff, &programs);
  }

  void SlowVisits() {
    VisitDaemon();
    std::string probes;
    for (size_t i = 0; i < kKinds.size(); ++i) {
      if (results_[i].why_not.empty()) probes += HistogramProbes(kKinds[i]);
    }
    std::string why_not;
    const std::unique_ptr<ForeignTool> tool = ForeignTool::Bpftrace(watcher_cpu_, probes, &why_not);
    VisitOrSay(kBpftrace, tool != nullptr, why_not);
  }

  void VisitDaemon() {
    DaemonUnderTest::Options options;
    options.cpus = {watcher_cpu_};
    DaemonUnderTest daemon(options);
    absl::Status status = daemon.Start();
    if (status.ok()) status = daemon.Attach(game_->pid()).status();
    VisitOrSay(kWholeDaemon, status.ok(), std::string(status.message()));
  }

  void VisitOrSay(const std::string& name, bool in_force, const std::string& why_not) {
    if (in_force) {
      Visit(name, nullptr, kGamesASlowVisit);
    } else {
      for (KindResult& result : results_) result.ways[name].why_not = why_not;
    }
  }

  const int cpu_;
  const int watcher_cpu_;
  int round_ = 0;
  WorkloadRun* game_ = nullptr;  // of the round
  uint64_t timed_count_ = 0;     // of all games, as the next
  uint64_t missed_count_ = 0;
  std::array<KindResult, kKinds.size()> results_;
};

std::vector<Gate> Aims(const std::map<std::string, Way>& ways) {
  std::vector<Gate> aims;
  for (const char* name : {kBystander, kWatched}) {
    aims.push_back({std::string(name) + " above the empty hooks, ns", Above(ways.at(name), ways.at(kEmpty)), kAimNs, true});
  }
  return aims;
}

// Whether everything of the daemon's has a figure.
bool Complete(const std::map<std::string, Way>& ways) {
  for (const char* name : {kBase, kEmpty, kBystander, kWatched, kOff}) {
    if (!ways.contains(name) || !ways.at(name).measured()) return false;
  }
  return !ways.contains(kWholeDaemon) || ways.at(kWholeDaemon).measured();  // --own leaves it out
}

json ReportKind(const Kind& kind, const KindResult& result) {
  json report{{"kind", kind.word}, {"event", kind.event}};
  if (!result.why_not.empty()) {
    report["unavailable"] = result.why_not;
    return report;
  }
  json rows = json::array();
  for (const auto& [name, way] : result.ways) {
    json row = RowOf(name, way, result.ways.at(kBase), "event");
    if (way.measured()) row.update({{"event_p99_9_ns", Quantile(way.p99_9_ns, 0.5)}, {"event_max_ns", way.max_ns}});
    if (const auto found = result.counts.find(name); found != result.counts.end()) {
      const Counts& counts = found->second;
      row.update({{"timed_events", counts.timed_count}, {"missed_events", counts.missed_count}, {"counted_ns", counts.duration_ns}});
      if (const auto events = static_cast<double>(counts.timed_count + counts.missed_count); events > 0) {
        row["counted_per_event"] = static_cast<double>(counts.cpu_count) / events;
        if (name == kWatched) row["taken_from_thread_per_event"] = static_cast<double>(counts.thread_count) / events;
      }
    }
    rows.push_back(row);
  }
  report["ways"] = rows;
  report["aims"] = Complete(result.ways) ? ToJson(Aims(result.ways)) : json::array();
  return report;
}

void PrintKind(const json& report) {
  std::printf("%s: %s\n", report["kind"].get<std::string>().c_str(), report["event"].get<std::string>().c_str());
  if (report.contains("unavailable")) {
    std::printf("  not measured: %s\n\n", report["unavailable"].get<std::string>().c_str());
    return;
  }
  std::printf("  %-22s %10s %10s %10s %12s %12s %14s\n", "way", "adds ns", "95 % from", "to", "p99.9 ns", "max ns", "counted/event");
  for (const json& row : report["ways"]) {
    const std::string name = row["way"].get<std::string>();
    if (row.contains("unavailable")) {
      std::printf("  %-22s not measured: %s\n", name.c_str(), row["unavailable"].get<std::string>().c_str());
      continue;
    }
    const bool base = row.contains("event_ns");
    std::printf("  %-22s %10.1f %10.1f %10.1f %12.0f %12.0f", base ? "base (whole event)" : name.c_str(),
                row[base ? "event_ns" : "added_ns"].get<double>(), row["low_ns"].get<double>(), row["high_ns"].get<double>(),
                row["event_p99_9_ns"].get<double>(), row["event_max_ns"].get<double>());
    if (row.contains("counted_per_event")) std::printf(" %14.4f", row["counted_per_event"].get<double>());
    if (row.contains("taken_from_thread_per_event")) {
      std::printf(", %.4f the thread's", row["taken_from_thread_per_event"].get<double>());
    }
    std::printf("\n");
  }
  PrintRangeNote(report["ways"]);
  PrintGates(report["aims"], "aim met:", "aim not met:");
  std::printf("\n");
}

int Main(int argc, char** argv) {
  const workload::Arguments arguments(argc, argv, {"rounds", "cpu", "json"}, {"own"});
  if (const std::string why = WhyNotPrivileged(); !why.empty()) {
    std::fprintf(stderr, "interrupt_cost_bench %s\n", why.c_str());
    return kCannotMeasure;
  }
  const int rounds = static_cast<int>(arguments.Number("rounds", 16, 1, 1'000));
  const int cpu = workload::ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20));
  const int watcher_cpu = workload::OtherCpu(cpu);
  if (watcher_cpu < 0) {
    std::fprintf(stderr, "one CPU only: what watches would take the time of what is watched. Give two CPUs\n");
    return kCannotMeasure;
  }
  MountTracefsPrivately();
  Bench bench(cpu, watcher_cpu);
  if (const std::string why = bench.Run(rounds, arguments.Flag("own")); !why.empty()) {
    std::fprintf(stderr, "interrupt_cost_bench: %s\n", why.c_str());
    return kNoFigures;
  }
  json report{{"bench", "interrupt_cost"}, {"rounds", rounds}, {"host", DescribeHost()}, {"kinds", json::array()}};
  std::printf("Cost of watching an interrupt, entry and exit together. %s, Linux %s, %s, %d rounds\n\n",
              report["host"]["cpu_model"].get<std::string>().c_str(), report["host"]["kernel"].get<std::string>().c_str(),
              report["host"]["date"].get<std::string>().c_str(), rounds);
  bool complete = true;
  for (size_t i = 0; i < kKinds.size(); ++i) {
    const KindResult& result = bench.results()[i];
    report["kinds"].push_back(ReportKind(kKinds[i], result));
    PrintKind(report["kinds"].back());
    complete = complete && (!result.why_not.empty() || Complete(result.ways));
  }
  if (const std::string file = arguments.Text("json", ""); !file.empty()) std::ofstream(file) << report.dump(2) << "\n";
  return complete ? 0 : kNoFigures;
}

}  // namespace
}  // namespace hftmon::testing

int main(int argc, char** argv) {
  return hftmon::testing::Main(argc, argv);
}
