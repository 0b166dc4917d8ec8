// SettingFacts: what producers of settings write into: facts that have their role (reserved and housekeeping CPUs) and no window, and what
// could not be read. One call's own.
#ifndef HFTMON_DAEMON_SERVICE_EVIDENCE_SETTING_FACTS_H_
#define HFTMON_DAEMON_SERVICE_EVIDENCE_SETTING_FACTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "daemon/service/evidence/evidence_context.h"

namespace hftmon {

class SettingFacts {
 public:
  // What they point to outlives it.
  SettingFacts(const EvidenceContext& context, std::vector<Fact>* facts, std::vector<MissingEvidence>* missing)
      : context_(context), facts_(facts), missing_(missing) {}

  // As it is now; `sentence` names where it was read. It is valid until the next one.
  Fact* Add(FactKind kind, std::string_view setting, std::string sentence);
  // Of a CPU that is reserved.
  Fact* AddOfCpu(int cpu, std::string_view setting, std::string sentence);
  // Rows that ask for that setting are not judged; `reason` names the file.
  void AddMissing(FactKind kind, std::string_view setting, std::string reason, std::string mend);

  const EvidenceContext& context() const { return context_; }
  const CpuList& reserved() const { return context_.reserved_cpus; }
  bool has_role() const { return !context_.reserved_cpus.empty(); }
  CpuList ReservedOnline() const;
  // Those that are reserved and not among `cpus`.
  CpuList ReservedWithout(const CpuList& cpus) const;

 private:
  const EvidenceContext& context_;
  std::vector<Fact>* const facts_;
  std::vector<MissingEvidence>* const missing_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_EVIDENCE_SETTING_FACTS_H_
