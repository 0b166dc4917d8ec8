#include "client/check/rank_sum_test.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace hftmon {
namespace {

// Twice the mean rank of each value, which is a whole number.
std::vector<size_t> DoubledRanks(const std::vector<double>& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&values](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<size_t> ranks(values.size());
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    for (size_t i = begin; i < end; ++i) ranks[order[i]] = begin + 1 + end;  // of the ranks begin + 1 … end
    begin = end;
  }
  return ranks;
}

}  // namespace

double ChanceThatLarger(const std::vector<double>& first, const std::vector<double>& second) {
  std::vector<double> all = first;
  all.insert(all.end(), second.begin(), second.end());
  if (first.empty() || second.empty() || all.size() > kRankSumValuesMax) return 1;
  const std::vector<size_t> ranks = DoubledRanks(all);
  const size_t total = std::accumulate(ranks.begin(), ranks.end(), size_t{0});
  const size_t observed = std::accumulate(ranks.begin() + static_cast<std::ptrdiff_t>(first.size()), ranks.end(), size_t{0});
  // ways[k][s]: how many choices of k values have ranks that sum to s.
  std::vector<std::vector<double>> ways(second.size() + 1, std::vector<double>(total + 1, 0));
  ways[0][0] = 1;
  for (const size_t rank : ranks) {
    for (size_t chosen = second.size(); chosen > 0; --chosen) {
      for (size_t sum = total; sum >= rank; --sum) ways[chosen][sum] += ways[chosen - 1][sum - rank];
    }
  }
  const std::vector<double>& sums = ways[second.size()];
  const double at_least = std::accumulate(sums.begin() + static_cast<std::ptrdiff_t>(observed), sums.end(), 0.0);
  return at_least / std::accumulate(sums.begin(), sums.end(), 0.0);
}

}  // namespace hftmon
