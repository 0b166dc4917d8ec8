#include "daemon/service/evidence/facts_of_lines.h"

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"

namespace hftmon {

void AddLineFacts(const EvidenceContext& context, const std::vector<LineSampling>& samplings, std::vector<Fact>* facts) {
  for (const LineSampling& sampling : samplings) {
    for (const SampledLine& line : sampling.lines) {
      const bool is_false = line.sharing.verdict == SharingVerdict::kFalse || line.sharing.verdict == SharingVerdict::kBoth;
      const uint64_t count = is_false ? line.sharing.false_contended : line.contended_count;
      Fact fact = NewFact(context, FactKind::kContendedLine);
      fact.values[FactField::kProcessId] = static_cast<int64_t>(sampling.pid);
      fact.values[FactField::kLineAddress] = static_cast<int64_t>(line.address);
      fact.values[FactField::kCount] = static_cast<int64_t>(count);
      fact.values[FactField::kFalseSharing] = static_cast<int64_t>(is_false ? 1 : 0);
      if (!line.advice.empty()) fact.values[FactField::kLayoutAdvice] = line.advice;
      fact.evidence.begin_mono_ns = sampling.begin_mono_ns;
      fact.evidence.end_mono_ns = sampling.end_mono_ns;
      fact.quality.sampled = true;
      fact.quality.samples = count;
      fact.quality.truncated = line.begin_missing;
      fact.evidence.sentence =
          absl::StrCat(count, " of ", line.contended_count, " samples that waited for the line at 0x", absl::Hex(line.address),
                       is_false ? " did so for another part of it than was written" : " wanted what was written");
      facts->push_back(std::move(fact));
    }
  }
}

}  // namespace hftmon
