#include "daemon/analysis/counter_rates.h"

#include <algorithm>
#include <bit>
#include <initializer_list>
#include <iterator>

#include "daemon/pmu/hardware_metric.h"

namespace hftmon {
namespace {

using M = HardwareMetric;

constexpr double kKilo = 1'000;
constexpr double kNsPerSecond = 1e9;

// Which metrics a set has, and where.
class RateBuilder {
 public:
  explicit RateBuilder(const CounterSet& set) : set_(set) {}

  bool Has(M metric) const { return Mask({metric}) != 0; }

  // Adds it when every metric named is counted; false otherwise.
  bool Add(std::string_view name, RateUnit unit, std::initializer_list<M> part, std::initializer_list<M> whole,
           std::initializer_list<M> less = {}, bool complement = false) {
    CounterRate rate{.name = std::string(name),
                     .formula = {},
                     .unit = unit,
                     .part = Mask(part),
                     .less = Mask(less),
                     .whole = Mask(whole),
                     .complement = complement};
    const size_t wanted = part.size() + whole.size() + less.size();
    const auto found = static_cast<size_t>(std::popcount(rate.part) + std::popcount(rate.whole) + std::popcount(rate.less));
    if (found != wanted) return false;
    rate.formula = Formula(rate);
    rates_.push_back(std::move(rate));
    return true;
  }

  void AddEvent(size_t place) {
    const std::string& name = set_.events[place].name;
    rates_.push_back({.name = name + "_per_second",
                      .formula = name + " / seconds on the CPU",
                      .unit = RateUnit::kPerSecond,
                      .part = static_cast<uint16_t>(1u << place)});
  }

  std::vector<CounterRate> Take() { return std::move(rates_); }

 private:
  // Of a metric that is named twice the first place.
  uint16_t Mask(std::initializer_list<M> metrics) const {
    uint32_t mask = 0;
    for (const M metric : metrics) {
      const auto found = std::find_if(set_.events.begin(), set_.events.end(),
                                      [metric](const CounterSetEvent& event) { return event.metric == HardwareMetricName(metric); });
      if (found == set_.events.end() || found - set_.events.begin() >= static_cast<std::ptrdiff_t>(kThreadCountersMax)) continue;
      mask |= 1u << (found - set_.events.begin());
    }
    return static_cast<uint16_t>(mask);
  }

  std::string Names(uint16_t mask) const {
    std::string text;
    for (size_t place = 0; place < kThreadCountersMax; ++place) {
      if ((mask >> place & 1) != 0) text += (text.empty() ? "" : " + ") + set_.events[place].metric;
    }
    return std::popcount(mask) > 1 ? "(" + text + ")" : text;
  }

  std::string Formula(const CounterRate& rate) const {
    std::string part = Names(rate.part);
    if (rate.less != 0) part = "(" + part + " - " + Names(rate.less) + ")";
    const std::string quotient = part + " / " + Names(rate.whole);
    if (rate.complement) return "1 - " + quotient;
    return rate.unit == RateUnit::kPerKiloInstruction ? "1000 * " + quotient : quotient;
  }

  const CounterSet& set_;
  std::vector<CounterRate> rates_;
};

// Whatever of hits, misses and accesses is counted; the share of misses is what is kept, as it is the small one that matters.
void AddHitRatio(std::string_view name, M hits, M misses, M accesses, RateBuilder* rates) {
  if (rates->Add(name, RateUnit::kRatio, {misses}, {hits, misses}, {}, true)) return;
  if (rates->Add(name, RateUnit::kRatio, {misses}, {accesses}, {}, true)) return;
  rates->Add(name, RateUnit::kRatio, {accesses}, {accesses}, {hits}, true);
}

// Of the first level's misses: those found in the second. A processor that counts walks of loads and stores apart counts hits of loads.
void AddSecondLevelRatio(std::string_view name, M hits, M walks, M misses, RateBuilder* rates) {
  if (rates->Add(name, RateUnit::kRatio, {walks}, {hits, walks}, {}, true)) return;
  if (rates->Add(name, RateUnit::kRatio, {walks}, {misses}, {}, true)) return;
  rates->Add(name, RateUnit::kRatio, {misses}, {misses}, {hits}, true);
}

void AddPerKilo(std::string_view name, M metric, RateBuilder* rates) {
  rates->Add(name, RateUnit::kPerKiloInstruction, {metric}, {M::kInstructions});
}

// Misses of a TLB's first level: by themselves, or what became of them.
void AddTlb(std::string_view name, M misses, M hits, M walks, RateBuilder* rates) {
  if (rates->Has(misses)) return AddPerKilo(name, misses, rates);
  rates->Add(name, RateUnit::kPerKiloInstruction, {hits, walks}, {M::kInstructions});
}

double SumOf(uint16_t mask, const CounterSpan& span) {
  double sum = 0;
  for (size_t place = 0; place < kThreadCountersMax; ++place) {
    if ((mask >> place & 1) != 0) sum += static_cast<double>(span.values[place]);
  }
  return sum;
}

}  // namespace

std::string_view RateUnitName(RateUnit unit) {
  constexpr std::string_view kNames[] = {"ratio", "per_cycle", "per_1000_instructions", "per_second"};
  static_assert(std::size(kNames) == static_cast<size_t>(RateUnit::kPerSecond) + 1);
  return kNames[static_cast<size_t>(unit)];
}

std::vector<CounterRate> RatesOf(const CounterSet& set) {
  RateBuilder rates(set);
  rates.Add("instructions_per_cycle", RateUnit::kPerCycle, {M::kInstructions}, {M::kCycles});
  rates.Add("stalled_ratio", RateUnit::kRatio, {M::kStalledCycles}, {M::kCycles});
  rates.Add("frontend_stall_ratio", RateUnit::kRatio, {M::kFrontendStalls}, {M::kCycles});
  rates.Add("backend_stall_ratio", RateUnit::kRatio, {M::kBackendStalls}, {M::kCycles});
  rates.Add("branch_miss_ratio", RateUnit::kRatio, {M::kBranchMisses}, {M::kBranches});
  AddPerKilo("branch_mpki", M::kBranchMisses, &rates);
  AddHitRatio("l1d_hit_ratio", M::kL1dHits, M::kL1dMisses, M::kL1dLoads, &rates);
  AddPerKilo("l1d_mpki", M::kL1dMisses, &rates);
  AddPerKilo("l1i_mpki", M::kL1iMisses, &rates);
  AddHitRatio("l2_hit_ratio", M::kL2Hits, M::kL2Misses, M::kL2Accesses, &rates);
  AddPerKilo("l2_mpki", M::kL2Misses, &rates);
  AddHitRatio("l3_hit_ratio", M::kL3Hits, M::kL3Misses, M::kL3Accesses, &rates);
  AddPerKilo("l3_mpki", M::kL3Misses, &rates);
  AddSecondLevelRatio("dtlb_second_level_hit_ratio", M::kDtlbSecondLevelHits, M::kDtlbLoadWalks, M::kDtlbMisses, &rates);
  AddTlb("dtlb_mpki", M::kDtlbMisses, M::kDtlbSecondLevelHits, M::kDtlbLoadWalks, &rates);
  AddPerKilo("dtlb_load_walks_pki", M::kDtlbLoadWalks, &rates);
  AddPerKilo("dtlb_store_walks_pki", M::kDtlbStoreWalks, &rates);
  AddSecondLevelRatio("itlb_second_level_hit_ratio", M::kItlbSecondLevelHits, M::kItlbWalks, M::kItlbMisses, &rates);
  AddTlb("itlb_mpki", M::kItlbMisses, M::kItlbSecondLevelHits, M::kItlbWalks, &rates);
  AddPerKilo("itlb_walks_pki", M::kItlbWalks, &rates);
  AddPerKilo("hitm_local_pki", M::kHitmLocal, &rates);
  AddPerKilo("hitm_remote_pki", M::kHitmRemote, &rates);
  AddPerKilo("local_dram_pki", M::kLocalDram, &rates);
  AddPerKilo("remote_dram_pki", M::kRemoteDram, &rates);
  rates.Add("remote_dram_ratio", RateUnit::kRatio, {M::kRemoteDram}, {M::kLocalDram, M::kRemoteDram});
  for (size_t place = 0; place < std::min(set.events.size(), kThreadCountersMax); ++place) {
    if (set.events[place].metric.empty()) rates.AddEvent(place);
  }
  return rates.Take();
}

std::optional<RateParts> PartsOf(const CounterRate& rate, const CounterSpan& span) {
  if ((span.counted & rate.events()) != rate.events() || span.running_ns <= 0) return std::nullopt;
  RateParts parts{.part = SumOf(rate.part, span) - SumOf(rate.less, span), .whole = SumOf(rate.whole, span)};
  if (rate.unit == RateUnit::kPerSecond) {
    // All events of a span share their counters' time, so it is in no quotient of two of them.
    parts.part *= static_cast<double>(std::max(span.enabled_ns, span.running_ns)) / static_cast<double>(span.running_ns);
    parts.whole = static_cast<double>(span.on_cpu_ns) / kNsPerSecond;
  }
  if (parts.whole <= 0) return std::nullopt;
  return parts;
}

double QuotientOf(const CounterRate& rate, const RateParts& parts) {
  return (rate.unit == RateUnit::kPerKiloInstruction ? kKilo : 1) * parts.part / parts.whole;
}

double ShownRate(const CounterRate& rate, double quotient) {
  const double told = rate.complement ? 1 - quotient : quotient;
  return rate.unit == RateUnit::kRatio ? std::clamp(told, 0.0, 1.0) : told;
}

bool IsContradictory(const CounterRate& rate, double quotient) {
  return rate.unit == RateUnit::kRatio && (quotient > 1 || quotient < 0);
}

}  // namespace hftmon
