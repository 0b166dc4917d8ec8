#include "client/examples/order_book/run.h"

#include <algorithm>
#include <atomic>
#include <ctime>
#include <memory>
#include <numeric>

#include "client/examples/order_book/injection_json.h"
#include "client/examples/order_book/injection_table.h"
#include "client/examples/order_book/placed_thread.h"
#include "client/examples/order_book/thread_place.h"
#include "client/examples/order_book/time_stamp_counter.h"

namespace hftmon::order_book {
namespace {

constexpr uint32_t kBookCapacity = 2 * OrderFlow::kLiveMax;
constexpr int64_t kCalibrationNs = 20'000'000;
// From the decision to start until the start: all threads are awake by then.
constexpr int64_t kLeadNs = 2'000'000;

// Of the calling thread.
int64_t ThreadCpuNs() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec;
}

enum class Signal : int { kWait, kGo, kGoHome };

struct NamedInjection {
  const char* kind;
  std::unique_ptr<Injection> injection;
};

// Everything of one run. Members that threads use stand above the threads: these are joined first.
class Run {
 public:
  Run(const Options& options, const Placement& placement, const LinearConversion& clock, Marks& marks)
      : options_(options),
        placement_(placement),
        clock_(clock),
        marks_(marks),
        queue_(options.queue_capacity != 0 ? options.queue_capacity : (options.rate_per_s != 0 ? 1'024 : 32)),
        book_(kBookCapacity),
        injections_(MakeInjections()),
        looked_at_(LookedAt()),
        gateway_({options.seed, options.rate_per_s == 0 ? 0 : clock.ticks_per_second() / static_cast<double>(options.rate_per_s),
                  options.orders_max},
                 &queue_),
        engine_(&queue_, &book_, looked_at_, clock) {}

  ~Run() { End(Signal::kGoHome); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  absl::Status Prepare();
  void Execute();
  RunResult Gather(const LinearConversion& clock) const;

 private:
  std::vector<NamedInjection> MakeInjections() const;
  std::vector<Injection*> LookedAt() const;
  void End(Signal signal);
  // False when there is nothing to do.
  bool AwaitSignal();
  // The gateway's thread, after each of its steps.
  void StopWhenInjected();
  void BeGateway();
  void BeEngine();
  void BeBoth();

  const Options options_;
  const Placement placement_;
  const LinearConversion clock_;
  Marks& marks_;
  OrderQueue queue_;
  OrderBook book_;
  std::vector<NamedInjection> injections_;
  const std::vector<Injection*> looked_at_;
  Gateway gateway_;
  Engine engine_;
  const MarkerRange book_range_ = marks_.Name("book", book_.levels_memory());
  const MarkerRange pool_range_ = marks_.Name("pool", book_.pool_memory());
  const MarkerRange queue_range_ = marks_.Name("queue", queue_.memory());
  int64_t start_mono_ns_ = 0;
  uint64_t start_tsc_ = 0;
  uint64_t steps_ = 0;  // the gateway's thread's own
  int64_t engine_cpu_ns_ = 0;
  std::atomic<Signal> signal_{Signal::kWait};
  std::atomic<bool> gateway_done_{false};
  PlacedThread gateway_thread_;
  PlacedThread engine_thread_;
};

std::vector<NamedInjection> Run::MakeInjections() const {
  std::vector<NamedInjection> made;
  const int64_t kinds = static_cast<int64_t>(options_.inject.size());
  for (int64_t i = 0; i < kinds; ++i) {
    InjectionPlan plan;
    // Kinds take turns.
    plan.schedule.first_ns = options_.inject_every_ns * (i + 1) / kinds;
    plan.schedule.every_ns = options_.inject_every_ns;
    plan.schedule.end_ns = options_.duration_ns;
    plan.schedule.count_max = options_.inject_count;
    plan.length_ns = options_.inject_length_ns;
    plan.clock = clock_;
    plan.engine_cpu = placement_.engine_cpu;
    plan.helper_cpu = placement_.helper_cpu;
    plan.engine_priority = placement_.engine_priority;
    plan.gateway_priority = placement_.helper_cpu == placement_.gateway_cpu ? placement_.gateway_priority : 0;
    plan.pi_mutex = options_.pi_mutex;
    const InjectionKind* kind = FindInjectionKind(options_.inject[static_cast<size_t>(i)]);
    made.push_back({kind->name, kind->make(plan)});
  }
  return made;
}

std::vector<Injection*> Run::LookedAt() const {
  std::vector<Injection*> all;
  for (const NamedInjection& named : injections_) all.push_back(named.injection.get());
  return all;
}

bool Run::AwaitSignal() {
  signal_.wait(Signal::kWait, std::memory_order_acquire);  // pairs with Execute's and End's release
  return signal_.load(std::memory_order_acquire) == Signal::kGo;
}

void Run::StopWhenInjected() {
  constexpr uint64_t kStepsPerLook = 1'024;  // a power of two
  if (!options_.until_injected || (++steps_ & (kStepsPerLook - 1)) != 0) [[likely]]
    return;
  if (std::all_of(looked_at_.begin(), looked_at_.end(), [](const Injection* each) { return each->exhausted(); })) gateway_.Stop();
}

void Run::BeGateway() {
  MarkThread* const marks = marks_.OpenGateway();
  if (!AwaitSignal()) return;
  gateway_.Start(start_tsc_, clock_.ToTicks(start_mono_ns_ + options_.duration_ns), marks);
  while (ReadTsc() < start_tsc_) SpinPause();
  while (gateway_.Step()) StopWhenInjected();
  gateway_done_.store(true, std::memory_order_release);  // pairs with BeEngine's acquire: all that was sent is in the queue
}

void Run::BeEngine() {
  MarkThread* const marks = marks_.OpenEngine();
  if (!AwaitSignal()) return;
  engine_.Start(marks);
  const int64_t start_cpu_ns = ThreadCpuNs();
  while (true) {
    if (engine_.Step()) continue;
    if (gateway_done_.load(std::memory_order_acquire)) {
      if (!engine_.Step()) break;
    }
    SpinPause();
  }
  engine_cpu_ns_ = ThreadCpuNs() - start_cpu_ns;
}

void Run::BeBoth() {
  MarkThread* const marks = marks_.OpenEngine();
  if (!AwaitSignal()) return;
  // An order begins with the gateway's step here: a mark of its own would say the same.
  MarkThread unmarked;
  gateway_.Start(start_tsc_, clock_.ToTicks(start_mono_ns_ + options_.duration_ns), &unmarked);
  engine_.Start(marks);
  while (ReadTsc() < start_tsc_) SpinPause();
  const int64_t start_cpu_ns = ThreadCpuNs();
  while (gateway_.Step()) {
    engine_.TurnAt(gateway_.step_tsc());
    engine_.Step();
    StopWhenInjected();
  }
  while (engine_.Step()) {
  }
  engine_cpu_ns_ = ThreadCpuNs() - start_cpu_ns;
}

absl::Status Run::Prepare() {
  for (const NamedInjection& named : injections_) {
    if (absl::Status status = named.injection->Prepare(); !status.ok()) return status;
  }
  if (placement_.threads == 1) {
    return engine_thread_.Start({"ob_engine", placement_.engine_cpu, placement_.engine_priority}, [this] { BeBoth(); });
  }
  absl::Status status = gateway_thread_.Start({"ob_gateway", placement_.gateway_cpu, placement_.gateway_priority}, [this] { BeGateway(); });
  if (!status.ok()) return status;
  return engine_thread_.Start({"ob_engine", placement_.engine_cpu, placement_.engine_priority}, [this] { BeEngine(); });
}

void Run::Execute() {
  start_mono_ns_ = MonotonicNs() + kLeadNs;
  start_tsc_ = clock_.ToTicks(start_mono_ns_);
  for (const NamedInjection& named : injections_) named.injection->Begin(start_mono_ns_);
  End(Signal::kGo);
}

void Run::End(Signal signal) {
  Signal waiting = Signal::kWait;
  // Pairs with AwaitSignal's acquire. The first signal stands.
  signal_.compare_exchange_strong(waiting, signal, std::memory_order_acq_rel);
  signal_.notify_all();
  gateway_thread_.Join();
  engine_thread_.Join();
  for (const NamedInjection& named : injections_) named.injection->Finish();
}

RunResult Run::Gather(const LinearConversion& clock) const {
  const auto ticks_to_ns = [&clock](uint64_t ticks) { return clock.ToNs(clock.anchor_ticks + ticks) - clock.anchor_ns; };
  RunResult result;
  result.options = options_;
  result.placement = placement_;
  result.engine_tid = engine_thread_.tid();
  result.gateway_tid = placement_.threads == 1 ? result.engine_tid : gateway_thread_.tid();
  result.start_mono_ns = clock.ToNs(start_tsc_);
  result.elapsed_ns = engine_.last_tsc() > start_tsc_ ? clock.ToNs(engine_.last_tsc()) - result.start_mono_ns : 0;
  result.sent_count = gateway_.sent_count();
  result.engine_cpu_ns = engine_cpu_ns_;
  if (options_.rate_per_s != 0 && !options_.until_injected) {
    uint64_t meant = static_cast<uint64_t>(static_cast<double>(options_.duration_ns) * 1e-9 * static_cast<double>(options_.rate_per_s));
    if (options_.orders_max != 0) meant = std::min(meant, options_.orders_max);
    result.behind_count = meant - std::min(meant, result.sent_count);
  }
  result.queue_full_count = gateway_.full_count();
  result.late_max_ns = ticks_to_ns(gateway_.late_max_ticks());
  result.totals = engine_.totals();
  const LatencyRecorder& latencies = engine_.latencies();
  result.p50_ns = latencies.Percentile(50);
  result.p90_ns = latencies.Percentile(90);
  result.p99_ns = latencies.Percentile(99);
  result.p99_9_ns = latencies.Percentile(99.9);
  result.p99_99_ns = latencies.Percentile(99.99);
  result.mean_ns = latencies.mean_ns();
  result.max_ns = latencies.max_ns();
  result.backwards_count = latencies.backwards_count();
  result.top = book_.top();
  result.resting_count = book_.resting_count();
  result.resting_quantity = book_.resting_quantity();
  result.unsound = std::string(book_.Check().message());
  result.markers_on = marks_.on();
  result.markers_reason = marks_.reason();
  result.mark_count = marks_.record_count();
  result.tsc_hz = clock.ticks_per_second();
  result.tsc_invariant = TscIsInvariant();
  for (const NamedInjection& named : injections_) {
    nlohmann::json injection = LogJson(named.injection->log(), clock);
    injection["kind"] = named.kind;
    injection["first_ns"] = named.injection->plan().schedule.first_ns;
    injection["every_ns"] = options_.inject_every_ns;
    injection["length_ns"] = options_.inject_length_ns;
    injection["missed"] = named.injection->missed_count();
    injection["detail"] = named.injection->Detail(clock);
    result.injections.push_back(std::move(injection));
  }
  return result;
}

}  // namespace

std::vector<std::pair<const char*, bool>> RunResult::Checks() const {
  const uint64_t done = std::accumulate(totals.messages.begin(), totals.messages.end(), uint64_t{0});
  const auto results = [this](Result kind) { return totals.results[static_cast<size_t>(kind)]; };
  return {
      {"book_is_sound", unsound.empty()},
      {"all_sent_are_done", done == sent_count},
      {"quantity_is_conserved", totals.added_quantity == totals.removed_quantity + totals.traded_quantity + resting_quantity},
      {"trades_agree", totals.trade_count == top.trade_count && totals.traded_quantity == top.traded_quantity},
      {"none_refused", results(Result::kRefused) == 0 && results(Result::kNoRoom) == 0},
      {"no_time_ran_backwards", backwards_count == 0},
  };
}

bool RunResult::sound() const {
  const auto checks = Checks();
  return std::all_of(checks.begin(), checks.end(), [](const auto& check) { return check.second; });
}

double RunResult::orders_per_s() const {
  return elapsed_ns > 0 ? static_cast<double>(sent_count) * 1e9 / static_cast<double>(elapsed_ns) : 0;
}

absl::StatusOr<RunResult> RunOrderBook(const Options& options) {
  const bool has_helpers =
      std::any_of(options.inject.begin(), options.inject.end(), [](const auto& name) { return FindInjectionKind(name)->has_helper; });
  const absl::StatusOr<Placement> placement = ChoosePlacement(options, AllowedCpus(), has_helpers);
  if (!placement.ok()) return placement.status();
  const ClockReading before = ReadClocks();
  const absl::StatusOr<LinearConversion> clock = MeasureConversion(kCalibrationNs);
  if (!clock.ok()) return clock.status();
  Marks marks({options.markers, options.marker_directory, clock->ticks_per_second()});
  Run run(options, *placement, *clock, marks);
  if (absl::Status status = run.Prepare(); !status.ok()) return status;
  run.Execute();
  // The whole run's own rate: times that are told lie between the two readings.
  const ClockReading after = ReadClocks();
  const absl::StatusOr<LinearConversion> whole = LinearConversion::Through(before.tsc, before.mono_ns, after.tsc, after.mono_ns);
  return run.Gather(whole.ok() ? *whole : *clock);
}

}  // namespace hftmon::order_book
