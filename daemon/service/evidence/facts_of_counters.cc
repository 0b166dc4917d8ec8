#include "daemon/service/evidence/facts_of_counters.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace hftmon {
namespace {

struct Rate {
  double mean = 0;
  uint64_t span_count = 0;
  bool estimated = false;
};

std::optional<Rate> Find(const CounterAnswer& answer, const CounterWindow& window, std::string_view name) {
  for (size_t i = 0; i < std::min(answer.rates.size(), window.rates.size()); ++i) {
    if (answer.rates[i].name != name) continue;
    const std::optional<RateSummary> summary = SummaryOf(answer.rates[i], window.rates[i]);
    if (!summary || summary->contradictory || IsDoubtful(answer.set, answer.rates[i], *summary, window)) return std::nullopt;
    return Rate{.mean = summary->mean, .span_count = window.rates[i].span_count, .estimated = window.rates[i].estimated};
  }
  return std::nullopt;
}

}  // namespace

void AddCounterFacts(const EvidenceContext& context, const CounterAnswer& answer, std::vector<Fact>* facts) {
  for (const auto& [thread, window] : answer.threads) {
    const std::optional<Rate> hits = Find(answer, window, "l3_hit_ratio");
    const std::optional<Rate> instructions = Find(answer, window, "instructions_per_cycle");
    if (!hits && !instructions) continue;
    Fact fact = NewFact(context, FactKind::kCounterRate);
    fact.thread = ThreadOf(context, thread);
    const uint64_t spans = std::min(hits ? hits->span_count : UINT64_MAX, instructions ? instructions->span_count : UINT64_MAX);
    fact.values[FactField::kCount] = static_cast<int64_t>(spans);
    if (hits) fact.values[FactField::kL3HitRatio] = hits->mean;
    if (instructions) fact.values[FactField::kInstructionsPerCycle] = instructions->mean;
    fact.quality.estimated = (hits && hits->estimated) || (instructions && instructions->estimated);
    fact.quality.truncated = answer.truncated || answer.set_changed;
    fact.quality.lost_records |= answer.lost_count > 0;
    fact.evidence.begin_mono_ns = std::max(fact.evidence.begin_mono_ns, answer.begin_mono_ns);
    fact.evidence.sentence =
        absl::StrCat("tid ", thread.tid, ": ", hits ? absl::StrCat("l3_hit_ratio ", hits->mean, ", ") : "",
                     instructions ? absl::StrCat(instructions->mean, " instructions a cycle, ") : "", "over ", spans, " readings");
    facts->push_back(std::move(fact));
  }
}

}  // namespace hftmon
