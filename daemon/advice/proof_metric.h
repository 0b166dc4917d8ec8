// ProofMetricRow: the figures that prove an advice, before and after: one table. Constant data, any thread.
#ifndef HFTMON_DAEMON_ADVICE_PROOF_METRIC_H_
#define HFTMON_DAEMON_ADVICE_PROOF_METRIC_H_

#include <span>
#include <string_view>

#include "daemon/advice/fact.h"

namespace hftmon {

enum class ProofValue : uint8_t {
  kCountPerSecond,  // count by the window
  kSumPerSecond,    // sum_ns by the window
  kField,           // a field's own value
};

struct ProofMetricRow {
  std::string_view name;   // snake_case, unit last
  std::string_view query;  // template: the command that shows it
  std::string_view path;   // where in that command's --json answer
  ProofValue value;
  FactField field;  // kField: which
};

std::span<const ProofMetricRow> ProofMetricRows();
// Null when there is none of that name.
const ProofMetricRow* FindProofMetric(std::string_view name);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ADVICE_PROOF_METRIC_H_
