#include "common/memory_access/access_counts.h"

#include <algorithm>

#include "common/saturating_sum.h"

namespace hftmon {
namespace {

bool IsRemote(const DataSource& source) {
  return source.remote || source.level == AccessLevel::kRemoteCache;
}

bool IsPlaced(const DataSource& source) {
  return source.level != AccessLevel::kUnknown && source.level != AccessLevel::kPeerCache;
}

void AddHitm(const DataSource& source, AccessCounts* counts) {
  if (IsRemote(source)) {
    ++counts->hitm_remote;
  } else if (IsPlaced(source)) {
    ++counts->hitm_local;
  } else {
    ++counts->hitm_unplaced;
  }
}

void AddStore(const DataSource& source, AccessCounts* counts) {
  ++counts->stores;
  if (source.level != AccessLevel::kL1) return;
  if (source.level_hit == true) ++counts->store_l1_hits;
  if (source.level_hit == false) ++counts->store_l1_misses;
}

std::optional<double> Mean(uint64_t sum, uint64_t count) {
  if (count == 0) return std::nullopt;
  return static_cast<double>(sum) / static_cast<double>(count);
}

}  // namespace

bool IsContended(const MemoryAccess& access) {
  return access.source.IsAccess() && (access.source.IsHitm() || access.source.peer);
}

bool IsWrite(const MemoryAccess& access) {
  return access.source.store || (access.source.load && access.source.locked == true);
}

void AccessCounts::Add(const MemoryAccess& access) {
  const DataSource& source = access.source;
  if (!source.IsAccess()) return;
  ++accesses;
  if (source.load) ++loads;
  if (source.store) AddStore(source, this);
  if (source.locked == true) ++locked;
  if (IsWrite(access)) ++writes;
  const bool contended = IsContended(access);
  if (source.IsHitm()) {
    AddHitm(source, this);
  } else if (contended) {
    ++peer;
  }
  if (!access.latency_cycles.has_value()) return;
  const uint64_t latency = *access.latency_cycles;
  if (source.load) {
    ++load_latency_samples;
    load_latency_cycles = SaturatingSum(load_latency_cycles, latency);
  }
  if (!contended) return;
  ++contended_latency_samples;
  contended_latency_cycles = SaturatingSum(contended_latency_cycles, latency);
  // A sample of no told period stands for itself.
  contended_cycles = SaturatingSum(contended_cycles, SaturatingProduct(latency, std::max<uint64_t>(access.period, 1)));
}

void AccessCounts::Add(const AccessCounts& other) {
  accesses += other.accesses;
  loads += other.loads;
  stores += other.stores;
  locked += other.locked;
  writes += other.writes;
  hitm_local += other.hitm_local;
  hitm_remote += other.hitm_remote;
  hitm_unplaced += other.hitm_unplaced;
  peer += other.peer;
  store_l1_hits += other.store_l1_hits;
  store_l1_misses += other.store_l1_misses;
  load_latency_samples += other.load_latency_samples;
  load_latency_cycles = SaturatingSum(load_latency_cycles, other.load_latency_cycles);
  contended_latency_samples += other.contended_latency_samples;
  contended_latency_cycles = SaturatingSum(contended_latency_cycles, other.contended_latency_cycles);
  contended_cycles = SaturatingSum(contended_cycles, other.contended_cycles);
}

std::optional<uint64_t> AccessCounts::estimated_cycles() const {
  if (contended_latency_samples == 0) return std::nullopt;
  return contended_cycles;
}

std::optional<double> AccessCounts::cycles_per_contended() const {
  return Mean(contended_latency_cycles, contended_latency_samples);
}

std::optional<double> AccessCounts::cycles_per_load() const {
  return Mean(load_latency_cycles, load_latency_samples);
}

}  // namespace hftmon
