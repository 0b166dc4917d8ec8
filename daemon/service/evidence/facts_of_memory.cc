#include "daemon/service/evidence/facts_of_memory.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/duration.h"
#include "daemon/advice/template_text.h"

namespace hftmon {
namespace {

struct Figures {
  int64_t count = 0;
  int64_t sum_ns = 0;
  int64_t longest_ns = 0;
  bool estimated = false;  // the longest is at least the mean, and more is not known
  bool of_sums = false;    // of the pair of snapshots, else of the window's spikes
};

// The sums of one kind may be a moment apart: nothing is told below 0.
Figures Between(const FaultTotal& before, const FaultTotal& after) {
  if (after.count <= before.count || after.duration_ns < before.duration_ns) return {};
  Figures figures{
      .count = static_cast<int64_t>(after.count - before.count), .sum_ns = after.duration_ns - before.duration_ns, .of_sums = true};
  if (after.longest_ns > before.longest_ns) figures.longest_ns = after.longest_ns;
  return figures;
}

FaultTotal Together(const FaultTotal& a, const FaultTotal& b) {
  return {.count = a.count + b.count, .duration_ns = a.duration_ns + b.duration_ns, .longest_ns = std::max(a.longest_ns, b.longest_ns)};
}

FaultTotal MajorOf(const ThreadFaultTotal& total) {
  return Together(total.faults[HFT_FAULT_USER_MAJOR], total.faults[HFT_FAULT_KERNEL_MAJOR]);
}

// Sums where there are any, else the spikes; the longest by whichever has it.
Figures WithSpikes(Figures figures, const SpikeTally* tally) {
  if (tally != nullptr && figures.count == 0)
    return {.count = tally->count(), .sum_ns = tally->sum_ns(), .longest_ns = tally->longest_ns()};
  if (figures.longest_ns == 0 && tally != nullptr) figures.longest_ns = tally->longest_ns();
  if (figures.longest_ns == 0 && figures.count > 0) {
    figures.longest_ns = figures.sum_ns / figures.count;
    figures.estimated = true;
  }
  return figures;
}

Fact FactOf(const EvidenceContext& context, const SnapshotPair& sums, FactKind kind, const ThreadKey& thread, const Figures& figures,
            const SpikeTally* tally, std::string_view what) {
  Fact fact = figures.of_sums ? NewFactOfSums(context, sums, kind, thread) : NewFact(context, kind);
  fact.thread = ThreadOf(context, thread);
  fact.values[FactField::kCount] = figures.count;
  fact.values[FactField::kSumNs] = figures.sum_ns;
  fact.values[FactField::kLongestNs] = figures.longest_ns;
  fact.quality.estimated = figures.estimated;
  fact.evidence.sentence = absl::StrCat("tid ", thread.tid, ": ", figures.count, " times ", std::string(what), ", ",
                                        FormatDuration(figures.sum_ns), " in all, ", FormatDuration(figures.longest_ns), " at most");
  if (tally != nullptr) {
    // The figures are of the whole window, the ids of those that are spikes too.
    Fact spikes = NewFact(context, kind);
    tally->EvidenceToFact(&spikes);
    fact.evidence.spike_ids = spikes.evidence.spike_ids;
    fact.quality.inconclusive |= spikes.quality.inconclusive;
  }
  return fact;
}

void AddFaults(const EvidenceContext& context, const SnapshotPair& sums, const ThreadKey& thread, const Figures& figures,
               const SpikeTally* tally, bool anonymous, const MemoryLookups& lookups, std::vector<Fact>* facts) {
  if (figures.count == 0) return;
  Fact fact = FactOf(context, sums, FactKind::kFaults, thread, figures, tally,
                     anonymous ? "a major fault on memory that is no file's" : "a major fault");
  fact.values[FactField::kFaultKind] = std::string("major");
  if (anonymous) fact.values[FactField::kAnonymous] = int64_t{1};
  const ProcessMemory memory = lookups.process(thread.tgid);
  if (memory.locked_bytes) fact.values[FactField::kLockedBytes] = *memory.locked_bytes;
  if (memory.resident_bytes) fact.values[FactField::kResidentBytes] = *memory.resident_bytes;
  if (memory.swapped_bytes) fact.values[FactField::kSwappedBytes] = *memory.swapped_bytes;
  facts->push_back(std::move(fact));
}

void AddStall(const EvidenceContext& context, const SnapshotPair& sums, const ThreadKey& thread, const char* stall, const Figures& figures,
              const SpikeTally* tally, const MemoryLookups& lookups, std::vector<Fact>* facts) {
  if (figures.count == 0) return;
  Fact fact = FactOf(context, sums, FactKind::kKernelStall, thread, figures, tally, stall);
  fact.values[FactField::kStall] = std::string(stall);
  if (lookups.thp_enabled) fact.values[FactField::kThpEnabled] = *lookups.thp_enabled;
  if (lookups.thp_defrag) fact.values[FactField::kThpDefrag] = *lookups.thp_defrag;
  facts->push_back(std::move(fact));
}

// Without those of `part`, which are told by themselves.
Figures Without(Figures all, const SpikeTally& part) {
  all.count = std::max<int64_t>(0, all.count - part.count());
  all.sum_ns = all.count == 0 ? 0 : std::max<int64_t>(0, all.sum_ns - part.sum_ns());
  if (all.longest_ns <= part.longest_ns()) all.longest_ns = 0;  // it may be one of them
  return all;
}

// Made by the thread itself. Their time is not known: the kernel tells of the end of each alone.
void AddCollapses(const EvidenceContext& context, const SnapshotPair& sums, const ThreadFaultTotal& before, const ThreadFaultTotal& after,
                  std::vector<Fact>* facts) {
  if (after.collapse_count <= before.collapse_count) return;
  const auto count = static_cast<int64_t>(after.collapse_count - before.collapse_count);
  Fact fact = NewFactOfSums(context, sums, FactKind::kKernelStall, after.thread);
  fact.values[FactField::kStall] = std::string("collapse");
  fact.values[FactField::kCount] = count;
  fact.evidence.sentence = absl::StrCat("tid ", after.thread.tid, " made ", count, " huge pages of small ones itself");
  facts->push_back(std::move(fact));
}

void AddShootdowns(const EvidenceContext& context, const SnapshotPair& sums, const ThreadFaultTotal& before, const ThreadFaultTotal& after,
                   const MemoryLookups& lookups, std::vector<Fact>* facts) {
  std::map<std::pair<uint32_t, int32_t>, uint64_t> earlier;  // by sender and stack
  for (const SenderTotal& sender : before.senders) earlier[{sender.tid, sender.stack}] += sender.count;
  std::map<std::pair<uint32_t, std::string>, std::pair<const SenderTotal*, int64_t>> by_call;
  for (const SenderTotal& sender : after.senders) {
    const auto known = earlier.find({sender.tid, sender.stack});
    const uint64_t counted = known == earlier.end() ? 0 : known->second;
    if (sender.count <= counted || sender.tid == 0) continue;
    auto& [first, count] = by_call[{sender.tid, lookups.call(sender.stack)}];
    first = &sender;
    count += static_cast<int64_t>(sender.count - counted);
  }
  for (const auto& [key, of_call] : by_call) {
    const auto& [sender, count] = of_call;
    Fact fact = NewFactOfSums(context, sums, FactKind::kShootdowns, after.thread);
    fact.values[FactField::kCount] = count;
    fact.values[FactField::kActorTid] = static_cast<int64_t>(sender->tid);
    if (!sender->comm.empty()) fact.values[FactField::kActorComm] = sender->comm;
    fact.values[FactField::kSameProcess] = static_cast<int64_t>(sender->tgid == after.thread.tgid ? 1 : 0);
    fact.values[FactField::kCall] = key.second;
    fact.evidence.sentence = absl::StrCat(CleanText(sender->comm), " (tid ", sender->tid, ") had tid ", after.thread.tid, " flush its TLB ",
                                          count, " times by ", key.second);
    facts->push_back(std::move(fact));
  }
}

}  // namespace

void MemoryFacts::Add(const Spike& spike) {
  const bool major = spike.kind == SpikeKind::kFault && spike.stall.known && IsMajor(spike.stall.fault_kind);
  const bool stall = spike.kind == SpikeKind::kCompaction || spike.kind == SpikeKind::kReclaim || spike.kind == SpikeKind::kMigration;
  if (major && IsAnonymous(spike)) {
    anonymous_[spike.thread].Add(spike, spike.duration_ns);
  } else if (major || stall) {
    spikes_[spike.thread][spike.kind].Add(spike, spike.duration_ns);
  }
}

bool MemoryFacts::IsAnonymous(const Spike& fault) const {
  const ProcMapping* mapping = mappings_ == nullptr ? nullptr : mappings_->Find(fault.thread, fault.stall.address);
  return mapping != nullptr && !mapping->shared && (mapping->name.empty() || mapping->name.front() == '[');
}

void MemoryFacts::ToFacts(const EvidenceContext& context, const SnapshotPair& sums, const MemoryLookups& lookups,
                          std::vector<Fact>* facts) const {
  std::set<ThreadKey, ThreadKeyOrder> threads;
  for (const auto& [thread, tallies] : spikes_) threads.insert(thread);
  for (const auto& [thread, tally] : anonymous_) threads.insert(thread);
  if (sums.after != nullptr) {
    for (const auto& [thread, of_thread] : sums.after->threads) threads.insert(thread);
  }
  const auto faults_of = [](const ThreadSums* sums_of) { return sums_of == nullptr || !sums_of->faults ? nullptr : &*sums_of->faults; };
  for (const ThreadKey& thread : threads) {
    const bool in_pair = sums.after != nullptr && sums.after->threads.contains(thread);
    const ThreadFaultTotal* before = in_pair ? faults_of(sums.SumsBefore(thread)) : nullptr;
    const ThreadFaultTotal* after = in_pair ? faults_of(&sums.after->threads.at(thread)) : nullptr;
    const bool pair = before != nullptr && after != nullptr;
    const auto tally = [&](SpikeKind kind) -> const SpikeTally* {
      const auto found = spikes_.find(thread);
      if (found == spikes_.end()) return nullptr;
      const auto of_kind = found->second.find(kind);
      return of_kind == found->second.end() ? nullptr : &of_kind->second;
    };
    const auto figures = [&](SpikeKind kind, const FaultTotal ThreadFaultTotal::*sum) {
      return WithSpikes(pair ? Between(before->*sum, after->*sum) : Figures{}, tally(kind));
    };
    Figures major = pair ? Between(MajorOf(*before), MajorOf(*after)) : Figures{};
    if (const auto swapped = anonymous_.find(thread); swapped != anonymous_.end()) {
      AddFaults(context, sums, thread, WithSpikes({}, &swapped->second), &swapped->second, true, lookups, facts);
      major = Without(major, swapped->second);
    }
    AddFaults(context, sums, thread, WithSpikes(major, tally(SpikeKind::kFault)), tally(SpikeKind::kFault), false, lookups, facts);
    AddStall(context, sums, thread, "compaction", figures(SpikeKind::kCompaction, &ThreadFaultTotal::compaction),
             tally(SpikeKind::kCompaction), lookups, facts);
    AddStall(context, sums, thread, "reclaim", figures(SpikeKind::kReclaim, &ThreadFaultTotal::reclaim), tally(SpikeKind::kReclaim),
             lookups, facts);
    AddStall(context, sums, thread, "migration", figures(SpikeKind::kMigration, &ThreadFaultTotal::migration), tally(SpikeKind::kMigration),
             lookups, facts);
    if (!pair) continue;
    AddCollapses(context, sums, *before, *after, facts);
    AddShootdowns(context, sums, *before, *after, lookups, facts);
  }
}

std::string CallOfStack(const std::vector<std::string>& symbols) {
  for (const char* call : {"munmap", "madvise", "mprotect", "mremap"}) {
    for (const std::string& symbol : symbols) {
      // __x64_sys_munmap, __arm64_sys_munmap, do_madvise, do_mprotect_pkey
      if (absl::EndsWith(symbol, absl::StrCat("sys_", call)) || symbol == absl::StrCat("do_", call)) return call;
    }
  }
  return "other";
}

ProcessMemory ParseProcessMemory(std::string_view status_text) {
  ProcessMemory memory;
  const auto read = [](std::string_view line, std::string_view key, std::optional<int64_t>* out) {
    int64_t kilobytes = 0;
    if (!absl::StartsWith({line.data(), line.size()}, {key.data(), key.size()})) return;
    const std::string number(line.substr(key.size(), line.rfind(" kB") == std::string_view::npos ? 0 : line.rfind(" kB") - key.size()));
    if (absl::SimpleAtoi(number, &kilobytes)) *out = kilobytes * 1024;
  };
  for (const auto& line : absl::StrSplit(absl::string_view(status_text.data(), status_text.size()), '\n')) {
    const std::string_view text(line.data(), line.size());
    read(text, "VmLck:", &memory.locked_bytes);
    read(text, "VmRSS:", &memory.resident_bytes);
    read(text, "VmSwap:", &memory.swapped_bytes);
  }
  return memory;
}

}  // namespace hftmon
