#include "daemon/analysis/budget_shares.h"

#include <algorithm>
#include <cstring>

namespace hftmon {
namespace {

// Kinds that somebody or something acts in: small ones may be summed.
constexpr std::array<CauseKind, 4> kActorKinds = {CauseKind::kNmi, CauseKind::kHardIrq, CauseKind::kSoftirq, CauseKind::kThread};

}  // namespace

bool BudgetShares::LargerFirst(const Share& a, const Share& b) {
  if (a.duration_ns != b.duration_ns) return a.duration_ns > b.duration_ns;
  return a.key.identity < b.key.identity;
}

BudgetShares::Share* BudgetShares::Find(const ShareKey& key) {
  for (size_t i = 0; i < count_; ++i) {
    if (shares_[i].key.identity == key.identity) return &shares_[i];
  }
  return nullptr;
}

int64_t BudgetShares::Give(const ShareKey& key, uint16_t cpu, int64_t duration_ns, int64_t limit_ns) {
  const int64_t given_ns = std::min({duration_ns, limit_ns, left_ns_});
  if (given_ns <= 0) return 0;
  left_ns_ -= given_ns;
  if (Share* const share = Find(key)) {
    share->duration_ns += given_ns;
    if (share->run_count < UINT16_MAX) ++share->run_count;
    if (given_ns > share->longest_ns) {
      share->longest_ns = given_ns;
      share->cpu = cpu;
    }
  } else {
    // There are at most as many keys as spans, interrupts and other kinds: it always fits.
    shares_[count_++] = {.key = key, .cpu = cpu, .run_count = 1, .others = false, .duration_ns = given_ns, .longest_ns = given_ns};
  }
  return given_ns;
}

void BudgetShares::Withhold(int64_t duration_ns) {
  const int64_t withheld = std::clamp<int64_t>(duration_ns, 0, left_ns_);
  left_ns_ -= withheld;
  withheld_ns_ += withheld;
}

// Makes at most kCausesMax of the shares: the smallest actors of each kind become one. Shares that nobody acted in keep a place of their
// own.
void BudgetShares::SumSmallActors(uint16_t cpu) {
  Share* const end = shares_.data() + count_;
  Share* const actors_end = std::partition(shares_.data(), end, [](const Share& share) { return HasActor(share.key.kind()); });
  size_t places = kCausesMax - static_cast<size_t>(end - actors_end);
  for (const CauseKind kind : kActorKinds) {
    places -= std::any_of(shares_.data(), actors_end, [kind](const Share& share) { return share.key.kind() == kind; }) ? 1 : 0;
  }
  std::sort(shares_.data(), actors_end, LargerFirst);
  Share* kept_end = shares_.data() + places;
  for (const CauseKind kind : kActorKinds) {
    Share sum = {.key = ShareKey::OfKind(kind), .cpu = cpu, .run_count = 0, .others = true, .duration_ns = 0, .longest_ns = 0};
    uint64_t run_count = 0;
    for (Share* small = kept_end; small != actors_end; ++small) {
      if (small->key.kind() != kind) continue;
      sum.duration_ns += small->duration_ns;
      run_count += small->run_count;
    }
    if (run_count == 0) continue;
    sum.run_count = static_cast<uint16_t>(std::min<uint64_t>(run_count, UINT16_MAX));
    // The sum takes the place of one of those that are in it.
    std::partition(kept_end, actors_end, [kind](const Share& share) { return share.key.kind() == kind; });
    *kept_end = sum;
    ++kept_end;
  }
  Share* const last = std::copy(actors_end, end, kept_end);
  count_ = static_cast<size_t>(last - shares_.data());
}

void BudgetShares::WriteCause(const Share& share, const Context& context, Cause* cause) {
  cause->kind = share.key.kind();
  cause->estimated = false;
  // Handlers that nobody told apart: how often they ran is not known either.
  const bool unnamed = IsInterrupt(share.key.kind()) && share.key.source() == HFT_SOURCE_NONE && !share.others;
  cause->others = share.others || unnamed;
  cause->cpu = share.cpu;
  cause->run_count = HasActor(share.key.kind()) && !unnamed ? share.run_count : 0;
  cause->tid = share.key.tid();
  cause->tgid = share.key.tgid;
  cause->source = share.key.source();
  cause->number = share.key.number();
  cause->syscall = share.key.kind() == CauseKind::kBlocked ? context.syscall : -1;
  cause->duration_ns = share.duration_ns;
  std::memset(cause->comm, 0, sizeof(cause->comm));
  static_assert(sizeof(cause->comm) == HFT_HANDLER_NAME_LENGTH);
  if (share.key.kind() == CauseKind::kThread && share.key.tid() != 0 && share.key.tid() == context.prev_tid &&
      context.prev_comm != nullptr) {
    std::memcpy(cause->comm, context.prev_comm, sizeof(cause->comm));
  } else if (share.key.name != nullptr) {
    std::memcpy(cause->comm, share.key.name, sizeof(cause->comm));
  }
}

void BudgetShares::Write(const Context& context, Spike* spike) {
  if (count_ > kCausesMax) SumSmallActors(context.cpu);
  if (count_ == 2) {
    if (LargerFirst(shares_[1], shares_[0])) std::swap(shares_[0], shares_[1]);
  } else {
    std::sort(shares_.begin(), shares_.begin() + static_cast<std::ptrdiff_t>(count_), LargerFirst);
  }
  for (size_t i = 0; i < count_; ++i) WriteCause(shares_[i], context, &spike->causes[i]);
  spike->cause_count = static_cast<uint8_t>(count_);
  spike->unexplained_ns = unexplained_ns();
}

}  // namespace hftmon
