#include "tests/bench/gate.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace hftmon::testing {

using nlohmann::json;

json ToJson(const std::vector<Gate>& gates) {
  json verdicts = json::array();
  for (const Gate& gate : gates) {
    verdicts.push_back({{"gate", gate.name},
                        {"value", gate.value.ns},
                        {"low", gate.value.low_ns},
                        {"high", gate.value.high_ns},
                        {gate.at_most ? "at_most" : "at_least", gate.limit},
                        {"holds", gate.holds()}});
  }
  return verdicts;
}

void PrintGates(const json& gates, const char* yes, const char* no) {
  const int width = static_cast<int>(std::max(std::strlen(yes), std::strlen(no)));
  for (const json& gate : gates) {
    const bool at_most = gate.contains("at_most");
    std::printf("  %-*s %s: %.1f, %s %.0f", width, gate["holds"] ? yes : no, gate["gate"].get<std::string>().c_str(),
                gate["value"].get<double>(), at_most ? "at most" : "at least", gate[at_most ? "at_most" : "at_least"].get<double>());
    if (gate["high"] != 0.0) std::printf(" (95 %%: %.1f to %.1f)", gate["low"].get<double>(), gate["high"].get<double>());
    std::printf("\n");
  }
}

}  // namespace hftmon::testing
