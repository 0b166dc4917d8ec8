#include "daemon/operations/operation_budget.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace hftmon {
namespace {

constexpr size_t kStallCountMax = std::numeric_limits<uint16_t>::max();

bool SameActor(const Cause& one, const Cause& other) {
  return one.kind == other.kind && one.others == other.others && one.tid == other.tid && one.tgid == other.tgid &&
         one.source == other.source && one.number == other.number && one.syscall == other.syscall;
}

void AddCause(const Cause& cause, std::vector<Cause>* causes) {
  if (cause.duration_ns <= 0) return;
  const auto same = std::find_if(causes->begin(), causes->end(), [&](const Cause& known) { return SameActor(known, cause); });
  if (same == causes->end()) {
    causes->push_back(cause);
    return;
  }
  if (cause.duration_ns > same->duration_ns) same->cpu = cause.cpu;
  same->duration_ns += cause.duration_ns;
  same->estimated |= cause.estimated;
  same->run_count = static_cast<uint16_t>(std::min<uint32_t>(uint32_t{same->run_count} + cause.run_count, UINT16_MAX));
  if (same->comm[0] == '\0') std::memcpy(same->comm, cause.comm, sizeof(same->comm));
}

bool LargerFirst(const Cause& a, const Cause& b) {
  if (a.duration_ns != b.duration_ns) return a.duration_ns > b.duration_ns;
  return a.kind < b.kind;
}

Cause SumOfKind(const Cause& one, const Cause& other) {
  return {.kind = one.kind,
          .estimated = one.estimated || other.estimated,
          .others = true,
          .cpu = one.cpu,
          .run_count = static_cast<uint16_t>(std::min<uint32_t>(uint32_t{one.run_count} + other.run_count, UINT16_MAX)),
          .duration_ns = one.duration_ns + other.duration_ns};
}

// Makes two causes one: the smallest that has another of its kind and the next smallest of that. False: there are no two of a kind.
bool SumTwoSmallest(std::vector<Cause>* causes) {
  for (auto small = causes->rbegin(); small != causes->rend(); ++small) {
    const auto next = std::find_if(std::next(small), causes->rend(), [&](const Cause& other) { return other.kind == small->kind; });
    if (next == causes->rend()) continue;
    *next = SumOfKind(*next, *small);
    causes->erase(std::next(small).base());
    return true;
  }
  return false;
}

// Until what is left fits. There are more kinds than places: what finds no other of its kind stays without a cause. Returns that.
int64_t SumSmallOnes(std::vector<Cause>* causes) {
  int64_t left_out_ns = 0;
  std::sort(causes->begin(), causes->end(), LargerFirst);
  while (causes->size() > kCausesMax) {
    if (!SumTwoSmallest(causes)) {
      left_out_ns += causes->back().duration_ns;
      causes->pop_back();
    }
    std::sort(causes->begin(), causes->end(), LargerFirst);
  }
  return left_out_ns;
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
  std::vector<Cause> causes;
  int64_t unexplained_ns = 0;
  const Stall* longest = nullptr;
  for (const Stall* stall : stalls) {
    const size_t count = std::min<size_t>(stall->cause_count, kCausesMax);
    for (size_t i = 0; i < count; ++i) AddCause(stall->causes[i], &causes);
    unexplained_ns += stall->unexplained_ns;
    if (longest == nullptr || stall->duration_ns > longest->duration_ns) longest = stall;
  }
  CutDown(spike->duration_ns, &unexplained_ns, &causes);
  const int64_t on_cpu_ns = spike->duration_ns - SumOf(causes) - unexplained_ns;
  const int64_t usual_ns = spike->mark.usual_ns;
  const int64_t running_ns = usual_ns < 0 ? on_cpu_ns : std::min(on_cpu_ns, usual_ns);
  int64_t rest_ns = on_cpu_ns - running_ns;
  if (rest_ns > 0 && short_stalls) {
    for (Cause& cause : short_stalls(rest_ns)) {
      cause.duration_ns = std::clamp<int64_t>(cause.duration_ns, 0, rest_ns);
      rest_ns -= cause.duration_ns;
      AddCause(cause, &causes);
    }
  }
  AddCause({.kind = CauseKind::kRunning, .estimated = usual_ns < 0, .duration_ns = running_ns}, &causes);
  unexplained_ns += SumSmallOnes(&causes);
  std::copy(causes.begin(), causes.end(), spike->causes.begin());
  spike->cause_count = static_cast<uint8_t>(causes.size());
  spike->unexplained_ns = unexplained_ns + rest_ns;
  spike->mark.stall_count = static_cast<uint16_t>(std::min(stalls.size(), kStallCountMax));
  spike->cpu = longest == nullptr ? kUnknownCpu : longest->cpu;
}

}  // namespace hftmon
