#include "daemon/touch_book.h"

#include <algorithm>
#include <compare>
#include <cstring>
#include <iterator>

namespace hftmon {
namespace {

// hft_stack's registers (struct pt_regs), by their place in a sample (the order of bits in kFaultRegisters): ax bx cx dx si di bp sp ip
// flags cs ss r8 … r15.
constexpr size_t kPlaceInRecord[] = {10, 5, 11, 12, 13, 14, 4, 19, 16, 18, 17, 20, 9, 8, 7, 6, 3, 2, 1, 0};
constexpr size_t kIp = 16;

uint64_t WordAt(std::span<const std::byte> bytes, size_t index) {
  uint64_t word = 0;
  std::memcpy(&word, bytes.data() + index * sizeof(word), sizeof(word));
  return word;
}

// What two paths have to have in common to be told as one.
std::vector<std::pair<std::string, uint64_t>> Line(const StackPart& stack) {
  std::vector<std::pair<std::string, uint64_t>> line;
  for (const StackFrame& frame : stack.frames) {
    line.emplace_back(frame.symbol.empty() ? frame.module : frame.symbol, frame.symbol.empty() ? frame.module_offset : frame.symbol_offset);
  }
  return line;
}

// Where faults are told as one.
struct SiteKey {
  uint64_t mapping = 0;  // its start; 0: none is known there, which no mapping of a program has
  uint32_t path = 0;

  auto operator<=>(const SiteKey&) const = default;
};

// The first `sites_max` of them, the most faults first, then by mapping and path.
std::vector<SiteKey> MostFaults(const std::map<SiteKey, uint64_t>& faults, size_t sites_max) {
  std::vector<std::pair<uint64_t, SiteKey>> all;
  all.reserve(faults.size());
  for (const auto& [key, count] : faults) all.emplace_back(count, key);
  const auto end = all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), sites_max));
  std::partial_sort(all.begin(), end, all.end(),
                    [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
  std::vector<SiteKey> most;
  for (auto one = all.begin(); one != end; ++one) most.push_back(one->second);
  return most;
}

}  // namespace

TouchBook::TouchBook(uint32_t pid, int64_t start_boottime_ns, const ProcMaps& before, StackUnwinder* unwinder)
    : pid_(pid), start_boottime_ns_(start_boottime_ns), unwinder_(unwinder) {
  for (const ProcMapping& mapping : before.mappings()) {
    if (mapping.executable) code_.emplace_back(mapping.start, mapping.end);
  }
}

hft_stack TouchBook::RecordOf(const SampledFault& fault) const {
  hft_stack record = {};
  record.start_ns = static_cast<uint64_t>(start_boottime_ns_);
  record.tid = pid_;  // the process's own: whoever faulted may have ended, and they share all that is read
  record.tgid = pid_;
  record.kernel_problem = HFT_STACK_NOT_ASKED;
  record.user_problem = HFT_STACK_NO_HELPER;
  if (fault.registers.size() < std::size(kPlaceInRecord) * sizeof(uint64_t)) return record;
  record.user_problem = HFT_STACK_FINE;
  for (size_t i = 0; i < std::size(kPlaceInRecord); ++i) record.registers[kPlaceInRecord[i]] = WordAt(fault.registers, i);
  record.user_bytes = static_cast<uint16_t>(std::min<size_t>(fault.stack.size(), HFT_STACK_COPY_BYTES));
  if (record.user_bytes > 0) std::memcpy(record.user, fault.stack.data(), record.user_bytes);
  return record;
}

TouchBook::Key TouchBook::KeyOf(const hft_stack& record) const {
  Key key = {record.registers[kIp]};
  const std::span<const std::byte> stack = std::as_bytes(std::span(record.user, record.user_bytes));
  for (size_t i = 0; i < stack.size() / sizeof(uint64_t); ++i) {
    const uint64_t word = WordAt(stack, i);
    const auto above =
        std::upper_bound(code_.begin(), code_.end(), word, [](uint64_t value, const auto& code) { return value < code.first; });
    if (above != code_.begin() && word < std::prev(above)->second) key.push_back(word);
  }
  return key;
}

void TouchBook::Add(const SampledFault& fault) {
  const hft_stack record = RecordOf(fault);
  Key key = KeyOf(record);
  auto known = known_.find(key);
  if (touches_.size() >= kTouchesMax || (known == known_.end() && paths_.size() >= kStacksMax)) {
    unkept_fault_count_ += fault.weight;
    return;
  }
  if (known == known_.end()) {
    const auto path = static_cast<uint32_t>(paths_.size());
    paths_.push_back({.state = StackState::kUnavailable, .reason = "it was not unwound while the process ran", .frames = {}});
    waiting_.emplace_back(path, record);
    known = known_.emplace(std::move(key), path).first;
  }
  touches_.push_back({.address = fault.address, .path = known->second, .cpu = fault.cpu, .weight = fault.weight});
}

size_t TouchBook::Unwind(size_t stacks_max) {
  for (; stacks_max > 0 && !waiting_.empty(); --stacks_max) {
    paths_[waiting_.front().first] = unwinder_->Unwind(waiting_.front().second).user;
    waiting_.pop_front();
  }
  return waiting_.size();
}

void TouchBook::Tell(const ProcMaps& after, ProcessGrowth* growth) const {
  std::map<std::vector<std::pair<std::string, uint64_t>>, uint32_t> lines;
  std::vector<uint32_t> same(paths_.size());  // of each path the first that is told as one with it
  for (uint32_t i = 0; i < paths_.size(); ++i) {
    same[i] = paths_[i].frames.empty() ? i : lines.emplace(Line(paths_[i]), i).first->second;
  }
  std::vector<SiteKey> places(touches_.size());  // of each touch its site
  std::map<SiteKey, uint64_t> faults;
  for (size_t i = 0; i < touches_.size(); ++i) {
    const ProcMapping* mapping = after.Find(touches_[i].address);
    places[i] = {mapping == nullptr ? 0 : mapping->start, same[touches_[i].path]};
    faults[places[i]] += touches_[i].weight;
  }
  const std::vector<SiteKey> told = MostFaults(faults, kSitesMax);
  growth->left_out_site_count = faults.size() - told.size();
  growth->unkept_fault_count += unkept_fault_count_;
  // Only now names and stacks are copied: of a process with very many mappings most sites are not told.
  growth->sites.resize(told.size());
  std::map<SiteKey, TouchSite*> sites;
  for (size_t i = 0; i < told.size(); ++i) {
    TouchSite& site = growth->sites[i];
    if (const ProcMapping* mapping = after.Find(told[i].mapping)) {
      site.start = mapping->start;
      site.end = mapping->end;
      site.name = mapping->name;
    }
    site.stack = paths_[told[i].path];
    sites[told[i]] = &site;
  }
  for (size_t i = 0; i < touches_.size(); ++i) {
    const auto found = sites.find(places[i]);
    if (found == sites.end()) continue;
    TouchSite& site = *found->second;
    ++site.sample_count;
    site.fault_count += touches_[i].weight;
    site.faults_of_cpu[touches_[i].cpu] += touches_[i].weight;
  }
}

std::vector<GrownMapping> GrowthOf(const ProcMaps& before, const ProcMaps& after) {
  std::vector<GrownMapping> grown;
  size_t at = 0;
  for (const ProcMapping& mapping : after.mappings()) {
    uint64_t old_bytes = 0;
    while (at < before.mappings().size() && before.mappings()[at].end <= mapping.start) ++at;
    for (size_t i = at; i < before.mappings().size() && before.mappings()[i].start < mapping.end; ++i) {
      const ProcMapping& old = before.mappings()[i];
      old_bytes += std::min(old.end, mapping.end) - std::max(old.start, mapping.start);
    }
    const uint64_t bytes = mapping.end - mapping.start;
    if (bytes > old_bytes) grown.push_back({.start = mapping.start, .end = mapping.end, .new_bytes = bytes - old_bytes});
  }
  return grown;
}

}  // namespace hftmon
