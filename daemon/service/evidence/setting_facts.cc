#include "daemon/service/evidence/setting_facts.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace hftmon {

Fact* SettingFacts::Add(FactKind kind, std::string_view setting, std::string sentence) {
  Fact fact = NewFact(context_, kind);
  fact.quality = {};  // what a file says now lost no records
  fact.evidence.begin_mono_ns = context_.end_mono_ns;
  fact.evidence.sentence = std::move(sentence);
  fact.values[FactField::kSetting] = std::string(setting);
  SetCpus(&fact, FactField::kReservedCpus, context_.reserved_cpus);
  SetCpus(&fact, FactField::kHousekeepingCpus, HousekeepingCpus(context_));
  facts_->push_back(std::move(fact));
  return &facts_->back();
}

Fact* SettingFacts::AddOfCpu(int cpu, std::string_view setting, std::string sentence) {
  Fact* fact = Add(FactKind::kCpuSetting, setting, std::move(sentence));
  fact->values[FactField::kCpus] = CpuList{cpu};
  fact->values[FactField::kReserved] = int64_t{1};
  return fact;
}

void SettingFacts::AddMissing(FactKind kind, std::string_view setting, std::string reason, std::string mend) {
  missing_->push_back(
      {.kind = kind, .where = {{FactField::kSetting, std::string(setting)}}, .reason = std::move(reason), .mend = std::move(mend)});
}

CpuList SettingFacts::ReservedOnline() const {
  CpuList cpus;
  std::set_intersection(context_.reserved_cpus.begin(), context_.reserved_cpus.end(), context_.online_cpus.begin(),
                        context_.online_cpus.end(), std::back_inserter(cpus));
  return cpus;
}

CpuList SettingFacts::ReservedWithout(const CpuList& cpus) const {
  CpuList missing;
  std::set_difference(context_.reserved_cpus.begin(), context_.reserved_cpus.end(), cpus.begin(), cpus.end(), std::back_inserter(missing));
  return missing;
}

}  // namespace hftmon
