// fault_cost_bench: nanoseconds that each way of watching adds to a minor page fault, its beginning and its end together, all in one run.
//
// One thread touches fresh pages and times each touch (tests/workloads/timed_faults); what watches runs on the other CPU. A round visits
// base, empty hooks (at page_fault_user and the software event minor-faults), bystander (the programs are attached, who faults is not
// watched), watched (it asks for "memory"), off, and every fourth round a bpftrace script that makes a histogram of the same. See
// paired_rounds.h for how noise is kept out. What the programs counted says that a touch is one fault.
// --own leaves bpftrace out. Prints a table, and one JSON object with --json FILE. The aim is none that fails: exit code 0 when there are
// all figures, or this kernel has no tracepoint of faults, 3 when one of the daemon's could not be measured, 77 when this host cannot
// measure at all.
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
#include "tests/privileged/harness/kernel_objects.h"
#include "tests/privileged/harness/workload_run.h"
#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;

constexpr double kAimNs = 120;  // above the empty hooks: two programs, as an interrupt's
constexpr int kNoFigures = 3;
constexpr int kCannotMeasure = 77;
constexpr int kFaultsAGame = 4'000;
constexpr int kGamesAVisit = 6;  // that count; one more warms up
constexpr int kTurnsARound = 2;
constexpr int kRoundsASlowOne = 4;

constexpr char kBase[] = "base";
constexpr char kEmpty[] = "empty hooks";
constexpr char kBystander[] = "bystander";
constexpr char kWatched[] = "watched";
constexpr char kOff[] = "hftmon off";
constexpr char kBpftrace[] = "bpftrace histogram";
constexpr char kBpftraceProbes[] =
    "tracepoint:exceptions:page_fault_user { @begin[tid] = nsecs; }\n"
    "software:minor-faults:1 /@begin[tid]/ { @fault_ns = hist(nsecs - @begin[tid]); delete(@begin[tid]); }\n";

class Bench {
 public:
  Bench(int cpu, int watcher_cpu) : cpu_(cpu), watcher_cpu_(watcher_cpu) {}

  // Empty, or why nothing can be measured.
  std::string Run(int rounds, bool own_only) {
    for (round_ = 0; round_ < rounds; ++round_) {
      std::fprintf(stderr, "\rround %d of %d", round_ + 1, rounds);
      WorkloadRun game("timed_faults", {"--cpu", std::to_string(cpu_)});
      if (!game.about().is_object()) return "timed_faults did not start";
      game_ = &game;
      for (int turn = 0; turn < kTurnsARound; ++turn) {
        if (const std::string why = QuickTurn(); !why.empty()) return why;
      }
      if (!own_only && round_ % kRoundsASlowOne == 0) SlowVisit();
      game_ = nullptr;
    }
    std::fprintf(stderr, "\n");
    return "";
  }

  const std::map<std::string, Way>& ways() const { return ways_; }
  // Faults that the programs counted for each touch of the watched thread.
  double counted_per_event() const { return touched_ == 0 ? 0 : static_cast<double>(counted_) / static_cast<double>(touched_); }

 private:
  void Visit(const std::string& name) {
    Way& way = ways_[name];
    double p99_9_ns = 0;
    for (int i = 0; i <= kGamesAVisit; ++i) {
      const json result = game_->Act(std::to_string(kFaultsAGame));
      if (!result.is_object() || i == 0) continue;
      const json& event = result["event"];
      way.games_ns[round_].push_back(event["middle_half_mean_ns"].get<double>());
      p99_9_ns = std::max(p99_9_ns, event["p99_9_ns"].get<double>());
      way.max_ns = std::max(way.max_ns, event["max_ns"].get<double>());
    }
    if (p99_9_ns > 0) way.p99_9_ns.push_back(p99_9_ns);
  }

  std::string QuickTurn() {
    OwnPrograms programs;
    Visit(kBase);
    {
      EmptyHook hook({"page_fault_user", kMinorFaultEvent});
      Visit(kEmpty);
    }
    programs.Attach();
    if (const absl::Status status = programs.AttachMemoryPrograms(); !status.ok()) return std::string(status.message());
    Visit(kBystander);
    programs.Watch(game_->pid());
    programs.TellFaults(game_->pid());
    const uint64_t before = Counted(programs);
    Visit(kWatched);
    counted_ += Counted(programs) - before;
    touched_ += static_cast<uint64_t>(kFaultsAGame) * (kGamesAVisit + 1);
    programs.TurnOff();
    Visit(kOff);
    return "";
  }

  uint64_t Counted(const OwnPrograms& programs) const {
    const KernelView& view = programs.view();
    const auto relaxed = [](const auto& word) {
      using Word = std::remove_cvref_t<decltype(word)>;
      return std::atomic_ref<Word>(const_cast<Word&>(word)).load(std::memory_order_relaxed);
    };
    const uint16_t slot = relaxed(view.slot_of_tid[static_cast<size_t>(game_->pid())]);
    return slot < view.kernel.size() ? relaxed(view.kernel[slot].faults[HFT_FAULT_USER_MINOR].count) : 0;
  }

  void SlowVisit() {
    std::string why_not;
    const std::unique_ptr<ForeignTool> tool = ForeignTool::Bpftrace(watcher_cpu_, kBpftraceProbes, &why_not);
    if (tool != nullptr) {
      Visit(kBpftrace);
    } else {
      ways_[kBpftrace].why_not = why_not;
    }
  }

  const int cpu_;
  const int watcher_cpu_;
  int round_ = 0;
  WorkloadRun* game_ = nullptr;  // of the round
  uint64_t touched_ = 0;         // by the watched thread
  uint64_t counted_ = 0;
  std::map<std::string, Way> ways_;
};

bool Complete(const std::map<std::string, Way>& ways) {
  for (const char* name : {kBase, kEmpty, kBystander, kWatched, kOff}) {
    if (!ways.contains(name) || !ways.at(name).measured()) return false;
  }
  return true;
}

std::vector<Gate> Aims(const std::map<std::string, Way>& ways) {
  std::vector<Gate> aims;
  for (const char* name : {kBystander, kWatched}) {
    aims.push_back({std::string(name) + " above the empty hooks, ns", Above(ways.at(name), ways.at(kEmpty)), kAimNs, true});
  }
  return aims;
}

json Report(const Bench& bench, int rounds) {
  json rows = json::array();
  for (const auto& [name, way] : bench.ways()) {
    json row = RowOf(name, way, bench.ways().at(kBase), "event");
    if (way.measured()) row.update({{"event_p99_9_ns", Quantile(way.p99_9_ns, 0.5)}, {"event_max_ns", way.max_ns}});
    rows.push_back(row);
  }
  return {{"bench", "fault_cost"},
          {"rounds", rounds},
          {"host", DescribeHost()},
          {"event", "a touch of a fresh page: one minor fault"},
          {"ways", rows},
          {"counted_per_event", bench.counted_per_event()},
          {"aims", Complete(bench.ways()) ? ToJson(Aims(bench.ways())) : json::array()}};
}

void Print(const json& report) {
  std::printf("Cost of watching a minor page fault. %s, Linux %s, %s, %d rounds\n\n",
              report["host"]["cpu_model"].get<std::string>().c_str(), report["host"]["kernel"].get<std::string>().c_str(),
              report["host"]["date"].get<std::string>().c_str(), report["rounds"].get<int>());
  std::printf("  %-20s %10s %10s %10s %12s %12s\n", "way", "adds ns", "95 % from", "to", "p99.9 ns", "max ns");
  for (const json& row : report["ways"]) {
    const std::string name = row["way"].get<std::string>();
    if (row.contains("unavailable")) {
      std::printf("  %-20s not measured: %s\n", name.c_str(), row["unavailable"].get<std::string>().c_str());
      continue;
    }
    const bool base = row.contains("event_ns");
    std::printf("  %-20s %10.1f %10.1f %10.1f %12.0f %12.0f\n", base ? "base (whole event)" : name.c_str(),
                row[base ? "event_ns" : "added_ns"].get<double>(), row["low_ns"].get<double>(), row["high_ns"].get<double>(),
                row["event_p99_9_ns"].get<double>(), row["event_max_ns"].get<double>());
  }
  PrintRangeNote(report["ways"]);
  std::printf("  %.4f faults counted for each touch of the watched thread\n", report["counted_per_event"].get<double>());
  PrintGates(report["aims"], "aim met:", "aim not met:");
}

int Main(int argc, char** argv) {
  const workload::Arguments arguments(argc, argv, {"rounds", "cpu", "json"}, {"own"});
  if (const std::string why = WhyNotPrivileged(); !why.empty()) {
    std::fprintf(stderr, "fault_cost_bench %s\n", why.c_str());
    return kCannotMeasure;
  }
  const int rounds = static_cast<int>(arguments.Number("rounds", 12, 1, 1'000));
  const int cpu = workload::ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20));
  const int watcher_cpu = workload::OtherCpu(cpu);
  if (watcher_cpu < 0) {
    std::fprintf(stderr, "one CPU only: what watches would take the time of what is watched. Give two CPUs\n");
    return kCannotMeasure;
  }
  MountTracefsPrivately();
  const std::string file = arguments.Text("json", "");
  if (const std::string why = OwnPrograms().WhyNoMemoryPrograms(); !why.empty()) {
    std::printf("Cost of watching a page fault\n  not measured: %s\n", why.c_str());
    if (!file.empty()) std::ofstream(file) << json{{"bench", "fault_cost"}, {"unavailable", why}}.dump(2) << "\n";
    return 0;
  }
  Bench bench(cpu, watcher_cpu);
  if (const std::string why = bench.Run(rounds, arguments.Flag("own")); !why.empty()) {
    std::fprintf(stderr, "fault_cost_bench: %s\n", why.c_str());
    return kNoFigures;
  }
  const json report = Report(bench, rounds);
  Print(report);
  if (!file.empty()) std::ofstream(file) << report.dump(2) << "\n";
  return Complete(bench.ways()) ? 0 : kNoFigures;
}

}  // namespace
}  // namespace hftmon::testing

int main(int argc, char** argv) {
  return hftmon::testing::Main(argc, argv);
}
