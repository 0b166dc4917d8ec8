// Gate: a figure of a bench and the limit that it is held to. Passive data.
#ifndef HFTMON_TESTS_BENCH_GATE_H_
#define HFTMON_TESTS_BENCH_GATE_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/bench/paired_rounds.h"

namespace hftmon::testing {

struct Gate {
  std::string name;
  Estimate value;
  double limit = 0;
  bool at_most = true;
  bool holds() const { return at_most ? value.ns <= limit : value.ns >= limit; }
};

// One object each, as reports carry them.
nlohmann::json ToJson(const std::vector<Gate>& gates);
// A line for each of what ToJson made. `yes` and `no` say whether it holds.
void PrintGates(const nlohmann::json& gates, const char* yes, const char* no);

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_BENCH_GATE_H_
