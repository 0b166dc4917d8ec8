#include "daemon/operations/operation_budget.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <tuple>

namespace hftmon {
namespace {

constexpr size_t kStallCountMax = std::numeric_limits<uint16_t>::max();

// Whom a cause is: two with the same are one.
using Actor = std::tuple<CauseKind, bool, uint32_t, uint32_t, hft_interrupt_source, uint16_t, int32_t>;

Actor ActorOf(const Cause& cause) {
  return {cause.kind, cause.others, cause.tid, cause.tgid, cause.source, cause.number, cause.syscall};
}

using CausesByActor = std::map<Actor, Cause>;

void AddCause(const Cause& cause, CausesByActor* causes) {
  if (cause.duration_ns <= 0) return;
  const auto [place, is_new] = causes->try_emplace(ActorOf(cause), cause);
  if (is_new) return;
  Cause& same = place->second;
  if (cause.duration_ns > same.duration_ns) same.cpu = cause.cpu;
  same.duration_ns += cause.duration_ns;
  same.estimated |= cause.estimated;
  same.run_count = static_cast<uint16_t>(std::min<uint32_t>(uint32_t{same.run_count} + cause.run_count, UINT16_MAX));
  if (same.comm[0] == '\0') std::memcpy(same.comm, cause.comm, sizeof(same.comm));
}

Cause SumOfKind(const Cause& one, const Cause& other) {
  return {.kind = one.kind,
          .estimated = one.estimated || other.estimated,
          .others = true,
          .cpu = one.cpu,
          .run_count = static_cast<uint16_t>(std::min<uint32_t>(uint32_t{one.run_count} + other.run_count, UINT16_MAX)),
          .duration_ns = one.duration_ns + other.duration_ns};
}

bool LargerFirst(const Cause& a, const Cause& b) {
  if (a.duration_ns != b.duration_ns) return a.duration_ns > b.duration_ns;
  return a.kind < b.kind;
}

// Of those beyond the places each kind becomes one, `others` where they were several. There are more kinds than places: what finds none
// stays without a cause. Returns that.
int64_t SumSmallOnes(std::vector<Cause>* causes) {
  std::sort(causes->begin(), causes->end(), LargerFirst);
  if (causes->size() <= kCausesMax) return 0;
  std::map<CauseKind, Cause> sums;
  while (causes->size() + sums.size() > kCausesMax && !causes->empty()) {
    const Cause& small = causes->back();
    const auto [place, is_new] = sums.try_emplace(small.kind, small);
    if (!is_new) place->second = SumOfKind(small, place->second);
    causes->pop_back();
  }
  for (const auto& [kind, sum] : sums) causes->push_back(sum);
  std::sort(causes->begin(), causes->end(), LargerFirst);
  int64_t left_out_ns = 0;
  for (; causes->size() > kCausesMax; causes->pop_back()) left_out_ns += causes->back().duration_ns;
  return left_out_ns;
}

std::vector<Cause> ListOf(const CausesByActor& by_actor) {
  std::vector<Cause> causes;
  causes.reserve(by_actor.size() + 1);
  for (const auto& [actor, cause] : by_actor) causes.push_back(cause);
  return causes;
}

int64_t SumOf(const std::vector<Cause>& causes) {
  int64_t sum_ns = 0;
  for (const Cause& cause : causes) sum_ns += cause.duration_ns;
  return sum_ns;
}

// What they claim beyond the duration.
void CutDown(int64_t duration_ns, int64_t* unexplained_ns, std::vector<Cause>* causes) {
  int64_t beyond_ns = SumOf(*causes) + *unexplained_ns - duration_ns;
  const int64_t cut_ns = std::clamp<int64_t>(beyond_ns, 0, *unexplained_ns);
  *unexplained_ns -= cut_ns;
  beyond_ns -= cut_ns;
  std::sort(causes->begin(), causes->end(), LargerFirst);
  for (Cause& cause : *causes) {
    if (beyond_ns <= 0) break;
    const int64_t part_ns = std::min(beyond_ns, cause.duration_ns);
    cause.duration_ns -= part_ns;
    beyond_ns -= part_ns;
  }
  std::erase_if(*causes, [](const Cause& cause) { return cause.duration_ns <= 0; });
}

}  // namespace

std::vector<const Stall*> OuterStallsWithin(std::span<const Stall> stalls, int64_t begin_mono_ns, int64_t end_mono_ns) {
  std::vector<const Stall*> within;
  if (stalls.empty()) return within;
  for (const Stall& stall : stalls) {
    const int64_t middle_ns = stall.start_mono_ns + stall.duration_ns / 2;
    if (middle_ns >= begin_mono_ns && middle_ns <= end_mono_ns) within.push_back(&stall);
  }
  std::sort(within.begin(), within.end(), [](const Stall* a, const Stall* b) {
    return a->start_mono_ns != b->start_mono_ns ? a->start_mono_ns < b->start_mono_ns : a->duration_ns > b->duration_ns;
  });
  int64_t covered_ns = std::numeric_limits<int64_t>::min();
  std::erase_if(within, [&](const Stall* stall) {
    const bool inner = stall->start_mono_ns + stall->duration_ns / 2 < covered_ns;
    covered_ns = std::max(covered_ns, stall->end_mono_ns());
    return inner;
  });
  return within;
}

void FillOperationBudget(std::span<const Stall* const> stalls, const ShortStallsOf& short_stalls, Spike* spike) {
  CausesByActor by_actor;
  int64_t unexplained_ns = 0;
  const Stall* longest = nullptr;
  for (const Stall* stall : stalls) {
    const size_t count = std::min<size_t>(stall->cause_count, kCausesMax);
    for (size_t i = 0; i < count; ++i) AddCause(stall->causes[i], &by_actor);
    unexplained_ns += stall->unexplained_ns;
    if (longest == nullptr || stall->duration_ns > longest->duration_ns) longest = stall;
  }
  std::vector<Cause> causes = ListOf(by_actor);
  CutDown(spike->duration_ns, &unexplained_ns, &causes);
  const int64_t on_cpu_ns = spike->duration_ns - SumOf(causes) - unexplained_ns;
  const int64_t usual_ns = spike->mark.usual_ns;
  int64_t running_ns = usual_ns < 0 ? 0 : std::min(on_cpu_ns, usual_ns);
  int64_t rest_ns = on_cpu_ns - running_ns;
  if (rest_ns > 0 && short_stalls) {
    ShortStallCauses found = short_stalls(rest_ns);
    // Of an operation whose cause is a stall with a record, what is left does not matter.
    if (2 * rest_ns >= spike->duration_ns && found.looks_apart_ns > 0) {
      spike->mark.looks_apart_ns = found.looks_apart_ns;
      spike->inconclusive = true;
    }
    for (Cause& cause : found.causes) {
      cause.duration_ns = std::clamp<int64_t>(cause.duration_ns, 0, rest_ns);
      rest_ns -= cause.duration_ns;
      if (cause.duration_ns > 0) causes.push_back(cause);
    }
  }
  if (usual_ns < 0) std::swap(running_ns, rest_ns);
  if (running_ns > 0) causes.push_back({.kind = CauseKind::kRunning, .estimated = usual_ns < 0, .duration_ns = running_ns});
  unexplained_ns += SumSmallOnes(&causes);
  std::copy(causes.begin(), causes.end(), spike->causes.begin());
  spike->cause_count = static_cast<uint8_t>(causes.size());
  spike->unexplained_ns = unexplained_ns + rest_ns;
  spike->mark.stall_count = static_cast<uint16_t>(std::min(stalls.size(), kStallCountMax));
  spike->cpu = longest == nullptr ? kUnknownCpu : longest->cpu;
}

}  // namespace hftmon
