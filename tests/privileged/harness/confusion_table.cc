#include "tests/privileged/harness/confusion_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace hftmon::testing {

void ConfusionTable::Add(const InjectedStall& made, const NamedStall& said) {
  Row& row = rows_[made.cause];
  const bool close = std::abs(said.duration_ns - made.duration_ns) <= std::max<int64_t>(made.duration_ns / 20, 2'000);
  ++row.count;
  ++row.named[said.cause.empty() ? "nothing" : said.cause];
  row.close += close ? 1 : 0;
  row.injected_ns += made.duration_ns;
  row.told_ns += std::min(said.duration_ns, made.duration_ns);
  row.permille.push_back(made.duration_ns > 0 ? said.duration_ns * 1000 / made.duration_ns : 0);
  ++count_;
  right_ += said.cause == made.cause ? 1 : 0;
  close_ += close ? 1 : 0;
}

std::string ConfusionTable::Text() const {
  std::string text = fmt::format("{:<22} {:>5} {:>7} {:>7}  {:>9}  {}\n", "made", "count", "close", "median", "injected", "named");
  for (const auto& [cause, row] : rows_) {
    std::vector<int64_t> permille = row.permille;
    std::nth_element(permille.begin(), permille.begin() + static_cast<std::ptrdiff_t>(permille.size() / 2), permille.end());
    std::string named;
    for (const auto& [name, count] : row.named) named += fmt::format("{}{} {}", named.empty() ? "" : ", ", count, name);
    text += fmt::format("{:<22} {:>5} {:>7} {:>6.1f}%  {:>7.1f}ms  {}\n", cause, row.count, row.close,
                        static_cast<double>(permille[permille.size() / 2]) / 10, static_cast<double>(row.injected_ns) / 1e6, named);
  }
  return text;
}

int64_t ConfusionTable::UnexplainedPermille() const {
  int64_t injected_ns = 0;
  int64_t told_ns = 0;
  for (const auto& [cause, row] : rows_) {
    injected_ns += row.injected_ns;
    told_ns += row.told_ns;
  }
  return injected_ns > 0 ? (injected_ns - told_ns) * 1000 / injected_ns : 0;
}

}  // namespace hftmon::testing
