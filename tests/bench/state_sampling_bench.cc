// state_sampling_bench: what looking at a CPU's state a million times a second costs: the CPU that looks, and the one that is looked at.
//
// The daemon's loop runs on one CPU over the programs' own memory, two threads wake each other through a futex on the other (see
// switch_cost_bench, whose games and rounds these are). A round plays games in turn: with the loop and nothing sampled, sampled every
// 10 us, sampled every us; their order turns from round to round. What a sample adds to the watched CPU's switches is the difference within
// the round. Nothing is loaded or begun within a turn but the sampling itself.
// Prints a table, and one JSON object with --json FILE. It has no gates: what it reports is of the machine. Exit code: 0, or 77 when this
// host cannot measure.
#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "common/histogram.h"
#include "daemon/ingest/housekeeping_loop.h"
#include "daemon/os/tsc.h"
#include "daemon/os/tsc_clock.h"
#include "tests/bench/bench_host.h"
#include "tests/bench/own_programs.h"
#include "tests/bench/paired_rounds.h"
#include "tests/privileged/harness/kernel_objects.h"
#include "tests/privileged/harness/workload_run.h"
#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;

constexpr int kCannotMeasure = 77;
constexpr int kTurnsARound = 6;
constexpr int kGamesAVisit = 2;  // that count; one more warms up
constexpr int64_t kLongNs = 10'000'000'000;
constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kEndlessSwitches = 10'000'000;
constexpr int kLooks = 20'000'000;

// Takes what the loop delivers.
class NullSink : public WindowSink {
 public:
  void OnThreadDelta(const ThreadDelta&) override {}
  void OnBucketClosed(int64_t, int64_t, int64_t) override {}
};

// Sums over samplings.
struct TickSums {
  uint64_t due = 0;
  uint64_t on_time = 0;
  uint64_t late = 0;
  uint64_t missed = 0;
  uint64_t torn = 0;
  int64_t tick_ns = 0;
  int64_t span_ns = 0;
  std::array<uint64_t, kHistogramBuckets> lateness{};

  void Add(const StateSamples& samples) {
    due += samples.due_count;
    on_time += samples.on_time_count;
    late += samples.late_count;
    missed += samples.missed_count;
    tick_ns += samples.tick_sum_ns;
    span_ns += samples.end_mono_ns - samples.begin_mono_ns;
    for (const CpuSamples& cpu : samples.cpus) torn += cpu.torn_count;
    for (size_t i = 0; i < lateness.size(); ++i) lateness[i] += samples.lateness[i];
  }
  json ToJson() const {
    json figures = {{"due", due}, {"on_time", on_time}, {"late", late}, {"missed", missed}, {"torn", torn}};
    figures["on_time_share"] = static_cast<double>(on_time) / static_cast<double>(std::max<uint64_t>(due, 1));
    figures["tick_ns"] = static_cast<double>(tick_ns) / static_cast<double>(std::max<uint64_t>(on_time + late, 1));
    figures["cpu_share"] = static_cast<double>(tick_ns) / static_cast<double>(std::max<int64_t>(span_ns, 1));
    for (const auto& [key, percent] : {std::pair{"lateness_p50_ns", 50.0}, {"lateness_p99_ns", 99.0}, {"lateness_p99_9_ns", 99.9}}) {
      if (const auto value_ns = PercentileNs(lateness, percent)) figures[key] = *value_ns;
    }
    return figures;
  }
};

class Bench {
 public:
  Bench(int cpu, int loop_cpu, int seconds, int64_t switches) : cpu_(cpu), loop_cpu_(loop_cpu), seconds_(seconds), switches_(switches) {
    programs_.Attach();
    HousekeepingLoop::Wiring wiring;
    wiring.view = programs_.view();
    wiring.clock = &clock_;
    wiring.window_sink = &sink_;
    wiring.sleep_ns = [](int64_t) {};
    loop_ = std::make_unique<HousekeepingLoop>(std::move(wiring), HousekeepingLoop::Options{.policy = &kLatencyPolicy});
    thread_ = std::thread([this] {
      workload::PinTo(loop_cpu_);
      workload::BecomeImportant();
      loop_->Run(stop_);
    });
  }
  ~Bench() {
    stop_.store(true, std::memory_order_relaxed);
    thread_.join();
  }

  void Run(int rounds) {
    const std::vector<std::pair<std::string, int64_t>> ways = {{kNothing, 0}, {"every 10 us", 10'000}, {"every us", 1'000}};
    for (int round = 0; round < rounds; ++round) {
      std::fprintf(stderr, "\rround %d of %d", round + 1, rounds);
      WorkloadRun game("ping_pong", {"--batch", "--cpu", std::to_string(cpu_)});
      programs_.Watch(game.pid());
      for (int turn = 0; turn < kTurnsARound; ++turn) {
        for (size_t i = 0; i < ways.size(); ++i) {
          const auto& [name, interval_ns] = ways[(i + static_cast<size_t>(round + turn)) % ways.size()];
          Visit(game, round, name, interval_ns);
        }
      }
    }
    std::fprintf(stderr, "\n");
  }
  // Some seconds of it while nobody plays.
  json SampleAlone() { return Sample(); }
  // And while the CPU that is looked at switches as fast as it can.
  json SampleBeside() {
    WorkloadRun game("ping_pong", {"--batch", "--cpu", std::to_string(cpu_)});
    programs_.Watch(game.pid());
    game.Say(std::to_string(kEndlessSwitches));
    json figures = Sample();
    game.process().Signal(SIGKILL);
    return figures;
  }
  const std::map<std::string, Way>& ways() const { return ways_; }

  static constexpr char kNothing[] = "nothing sampled";

 private:
  void Begin(int64_t interval_ns, int64_t duration_ns) {
    const int cpus[] = {cpu_};
    clock_.Calibrate();
    // The loop may not have noticed yet that the one before was given up.
    while (!loop_->states().Begin({.cpus = cpus, .duration_ns = duration_ns, .interval_ns = interval_ns, .may_spin = true})) {
      std::this_thread::yield();
    }
  }
  json Sample() {
    TickSums sums;
    for (int second = 0; second < seconds_; ++second) {
      Begin(1'000, kSecondNs);
      while (loop_->states().result() == nullptr) workload::SleepUntil(workload::NowNs() + 10'000'000);
      sums.Add(*loop_->states().result());
      loop_->states().End();
    }
    return sums.ToJson();
  }
  double GameNs(WorkloadRun& game) { return game.Act(std::to_string(switches_))["round_trip"]["middle_half_mean_ns"].get<double>() / 2; }
  void Visit(WorkloadRun& game, int round, const std::string& name, int64_t interval_ns) {
    if (interval_ns > 0) Begin(interval_ns, kLongNs);
    GameNs(game);
    for (int i = 0; i < kGamesAVisit; ++i) ways_[name].games_ns[round].push_back(GameNs(game));
    loop_->states().End();
  }

  const int cpu_;
  const int loop_cpu_;
  const int seconds_;  // of ticks, alone and again beside switches
  const int64_t switches_;
  SystemRawClocks raw_clocks_;
  TscClock clock_{&raw_clocks_, FileRoot(), TscIsInvariant()};
  OwnPrograms programs_;
  NullSink sink_;
  std::unique_ptr<HousekeepingLoop> loop_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
  std::map<std::string, Way> ways_;
};

// What an iteration of the loop pays for it while nobody asks.
double LookNs() {
  class StandingClock : public MonotonicClock {
   public:
    int64_t NowNs() const override { return 1; }
  };
  const StandingClock clock;
  StateSampler sampler(KernelView(), &clock, nullptr);
  const int64_t begin_ns = workload::NowNs();
  for (int i = 0; i < kLooks; ++i) {
    sampler.Look(i);
    sampler.TickIfDue();
    asm volatile("" ::: "memory");
  }
  return static_cast<double>(workload::NowNs() - begin_ns) / kLooks;
}

void Print(const json& report) {
  std::printf("State sampling. %s, Linux %s, %s, %d rounds\n\n", report["host"]["cpu_model"].get<std::string>().c_str(),
              report["host"]["kernel"].get<std::string>().c_str(), report["host"]["date"].get<std::string>().c_str(),
              report["rounds"].get<int>());
  std::printf("  %-22s %10s %10s %10s\n", "sampled", "adds ns", "95 % from", "to");
  for (const json& row : report["ways"]) {
    const bool base = row.contains("switch_ns");
    std::printf("  %-22s %10.1f %10.1f %10.1f\n", base ? "nothing (whole switch)" : row["way"].get<std::string>().c_str(),
                row[base ? "switch_ns" : "added_ns"].get<double>(), row["low_ns"].get<double>(), row["high_ns"].get<double>());
  }
  PrintRangeNote(report["ways"]);
  for (const char* which : {"alone", "beside_switches"}) {
    const json& ticks = report[which];
    std::printf(
        "\n  every us, one CPU, %s: %llu ticks due, %.3f %% on time, %llu late, %llu missed, %llu torn; lateness p50 %lld, p99 %lld ns\n"
        "  a tick takes %.0f ns: %.1f %% of the CPU that samples\n",
        which, static_cast<unsigned long long>(ticks["due"].get<uint64_t>()), ticks["on_time_share"].get<double>() * 100,
        static_cast<unsigned long long>(ticks["late"].get<uint64_t>()), static_cast<unsigned long long>(ticks["missed"].get<uint64_t>()),
        static_cast<unsigned long long>(ticks["torn"].get<uint64_t>()), static_cast<long long>(ticks.value("lateness_p50_ns", int64_t{-1})),
        static_cast<long long>(ticks.value("lateness_p99_ns", int64_t{-1})), ticks["tick_ns"].get<double>(),
        ticks["cpu_share"].get<double>() * 100);
  }
  std::printf("\n  while nobody asks, an iteration of the loop pays %.2f ns, and reads no line of any CPU's\n",
              report["look_ns"].get<double>());
}

int Main(int argc, char** argv) {
  const workload::Arguments arguments(argc, argv, {"rounds", "seconds", "switches", "cpu", "json"}, {});
  if (const std::string why = WhyNotPrivileged(); !why.empty()) {
    std::fprintf(stderr, "state_sampling_bench %s\n", why.c_str());
    return kCannotMeasure;
  }
  const int rounds = static_cast<int>(arguments.Number("rounds", 12, 1, 1'000));
  const int seconds = static_cast<int>(arguments.Number("seconds", 8, 1, 1'000));
  const int64_t switches = arguments.Number("switches", 10'000, 1'000, 10'000'000);
  const int cpu = workload::ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20));
  const int loop_cpu = workload::OtherCpu(cpu);
  if (loop_cpu < 0) {
    std::fprintf(stderr, "one CPU only: what samples would take the time of what is sampled. Give two CPUs\n");
    return kCannotMeasure;
  }
  json report = {{"bench", "state_sampling"}, {"rounds", rounds}, {"host", DescribeHost()}, {"look_ns", LookNs()}};
  Bench bench(cpu, loop_cpu, seconds, switches);
  report["alone"] = bench.SampleAlone();
  report["beside_switches"] = bench.SampleBeside();
  bench.Run(rounds);
  report["ways"] = json::array();
  const Way& base = bench.ways().at(Bench::kNothing);
  for (const auto& [name, way] : bench.ways()) report["ways"].push_back(RowOf(name, way, base, "switch"));
  Print(report);
  if (const std::string file = arguments.Text("json", ""); !file.empty()) std::ofstream(file) << report.dump(2) << "\n";
  return 0;
}

}  // namespace
}  // namespace hftmon::testing

int main(int argc, char** argv) {
  return hftmon::testing::Main(argc, argv);
}
